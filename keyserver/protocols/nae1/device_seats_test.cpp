#include "keyserver/protocols/nae1/device_seats.hpp"

#include <gtest/gtest.h>

#include <list>

namespace nae::nae1 {
namespace {

TEST(DeviceSeats, OneDeviceTakesItsShareAndNoMore) {
  auto seats = std::make_shared<DeviceSeats>(5, 3);
  std::list<DeviceSeats::Seat> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(seats->enter("db1").value());
  EXPECT_EQ(seats->enter("db1").error().code, Code::limit_exceeded) << "one past its share";
  for (int i = 0; i < 2; ++i) taken.push_back(seats->enter("db2").value());
  EXPECT_EQ(seats->enter("db3").error().code, Code::overloaded) << "all are taken";
  taken.pop_front();
  EXPECT_TRUE(seats->enter("db3"));
  EXPECT_TRUE(seats->enter("db1"));
}

TEST(DeviceSeats, OutliveTheirOwner) {
  auto seats = std::make_shared<DeviceSeats>(1, 1);
  const std::weak_ptr<DeviceSeats> kept = seats;
  auto seat = std::make_unique<DeviceSeats::Seat>(seats->enter("db1").value());
  seats.reset();
  ASSERT_FALSE(kept.expired()) << "a connection still has a place there";
  EXPECT_EQ(kept.lock()->enter("db1").error().code, Code::limit_exceeded);
  seat.reset();
  EXPECT_TRUE(kept.expired()) << "the last one has left";
}

}  // namespace
}  // namespace nae::nae1
