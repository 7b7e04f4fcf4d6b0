#include "keyserver/admin/certificate_expiry.hpp"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace nae::admin {
namespace {

constexpr std::int64_t kDay = 86'400;

TEST(ExpiryWatchTest, WarnsOnceADayOfWhatEndsSoon) {
  prometheus::Registry registry;
  ExpiryWatch watch(registry);
  std::vector<Expiry> found{{"server", "k", {-300 * kDay, 100 * kDay}},
                            {"device", "db1", {-300 * kDay, 60 * kDay}}};
  EXPECT_TRUE(watch.look(found, 0).empty());
  EXPECT_TRUE(watch.look(found, 30 * kDay).empty()) << "thirty days are left";
  ASSERT_EQ(watch.look(found, 30 * kDay + 1).size(), 1u) << "and now less";
  EXPECT_TRUE(watch.look(found, 30 * kDay + 3601).empty()) << "said already";
  ASSERT_EQ(watch.look(found, 31 * kDay + 1).size(), 1u);
  EXPECT_EQ(watch.look(found, 61 * kDay)[0].name, "db1") << "expired";
  found[1].life = {61 * kDay, 400 * kDay};
  EXPECT_TRUE(watch.look(found, 61 * kDay).empty()) << "renewed";
}

// It would be warned of all its life. What hides it from the first of its kind does not hide the
// one that is about to end.
TEST(ExpiryWatchTest, OfAShortLifeTheLastQuarterIsSoon) {
  prometheus::Registry registry;
  ExpiryWatch watch(registry);
  const std::vector<Expiry> found{{"device", "week", {0, 8 * kDay}},
                                  {"device", "year", {-330 * kDay, 35 * kDay}}};
  auto ending = [&](std::int64_t now_s) {
    std::size_t warned = watch.look(found, now_s).size();
    std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
    std::size_t at = text.find("nae_certificates_ending{certificate=\"device\"} ");
    return std::pair(warned, at == std::string::npos ? '?' : text[text.find(' ', at) + 1]);
  };
  EXPECT_EQ(ending(0), std::pair(std::size_t{0}, '0'));
  EXPECT_EQ(ending(5 * kDay), std::pair(std::size_t{0}, '0'));
  EXPECT_EQ(ending(5 * kDay + 1), std::pair(std::size_t{1}, '1')) << "the one of a year";
  EXPECT_EQ(ending(6 * kDay), std::pair(std::size_t{0}, '1')) << "29 days are left yet";
  EXPECT_EQ(ending(6 * kDay + 1), std::pair(std::size_t{2}, '2'));
  EXPECT_EQ(ending(6 * kDay + 2), std::pair(std::size_t{0}, '2')) << "said already";
}

TEST(ExpiryWatchTest, TheFirstOfAKindIsShown) {
  prometheus::Registry registry;
  ExpiryWatch watch(registry);
  watch.look({{"device", "a", {0, 500}}, {"device", "b", {0, 300}}, {"admin", "c", {0, 50}}}, 100);
  std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  EXPECT_NE(text.find("nae_certificate_expiry_seconds{certificate=\"device\"} 200\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("nae_certificate_expiry_seconds{certificate=\"admin\"} -50\n"),
            std::string::npos);
}

// Zero would be an alarm: of the devices before the first is enrolled, or after the last has gone.
TEST(ExpiryWatchTest, AKindOfWhichThereIsNoneHasNoSeries) {
  prometheus::Registry registry;
  ExpiryWatch watch(registry);
  auto shown = [&](const char* kind) {
    return prometheus::TextSerializer()
               .Serialize(registry.Collect())
               .find("certificate=\"" + std::string(kind) + "\"") != std::string::npos;
  };
  EXPECT_FALSE(shown("device"));
  watch.look({{"server", "k", {0, 500}}, {"device", "a", {0, 500}}}, 100);
  EXPECT_TRUE(shown("device"));
  watch.look({{"server", "k", {0, 500}}}, 100);
  EXPECT_FALSE(shown("device"));
  EXPECT_TRUE(shown("server"));
  watch.look({{"device", "b", {0, 500}}}, 100);
  EXPECT_TRUE(shown("device"));
}

TEST(ExpiryWatchTest, DaysAreRoundedDown) {
  EXPECT_EQ(days_left(kDay, 0), 1);
  EXPECT_EQ(days_left(kDay - 1, 0), 0);
  EXPECT_EQ(days_left(0, 0), 0);
  EXPECT_EQ(days_left(0, 1), -1);
  EXPECT_EQ(days_left(0, kDay), -1);
  EXPECT_EQ(days_left(0, kDay + 1), -2);
}

}  // namespace
}  // namespace nae::admin
