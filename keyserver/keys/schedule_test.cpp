#include "keyserver/keys/schedule.hpp"

#include <gtest/gtest.h>

namespace nae::keys {
namespace {

constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;
constexpr KeyId kId{{1, 2, 3, 4, 5, 6}};

Code refusal(State from, const std::vector<Step>& schedule) {
  auto checked = check_schedule(from, schedule);
  return checked ? Code{} : checked.error().code;
}

TEST(Schedule, RefusesStepsThatDoNotFollow) {
  EXPECT_EQ(refusal(State::active, {{State::destroyed, 1}}), Code::key_state);
  EXPECT_EQ(refusal(State::active, {{State::retired, 1}, {State::restricted, 2}}), Code::key_state);
  EXPECT_EQ(refusal(State::retired, {{State::restricted, 1}}), Code::key_state)
      << "nothing comes back by itself";
  EXPECT_EQ(refusal(State::active, {{State::active, 1}}), Code::key_state);
  EXPECT_EQ(refusal(State::destroyed, {{State::destroyed, 1}}), Code::key_state);
  EXPECT_EQ(refusal(State::pre_active, {{State::restricted, 1}}), Code::key_state);
}

TEST(Schedule, AllowsAWholeLife) {
  EXPECT_EQ(
      refusal(
          State::pre_active,
          {{State::active, 1}, {State::restricted, 2}, {State::retired, 3}, {State::destroyed, 4}}),
      Code{});
  EXPECT_EQ(refusal(State::destroyed, {}), Code{});
}

TEST(Schedule, AChangeLeavesWhatLiesAhead) {
  const std::vector<Step> planned{{State::restricted, 1}, {State::retired, 2}};
  EXPECT_EQ(remaining(planned, State::restricted), (std::vector<Step>{{State::retired, 2}}));
  EXPECT_TRUE(remaining(planned, State::retired).empty());
  EXPECT_TRUE(remaining(planned, State::destroyed).empty());
}

Key key_with(std::vector<Version> versions, std::uint32_t rotate_after_days = 0) {
  Key key;
  key.id = kId;
  for (Version& version : versions) key.versions.push_back(std::move(version));
  key.attributes.rotate_after_days = rotate_after_days;
  return key;
}

TEST(Rotation, CountsFromTheNewestVersion) {
  EXPECT_EQ(rotation_date(key_with({{1, State::active, 5, {}, 0}}, 0)), 0);
  EXPECT_EQ(rotation_date(key_with({{1, State::active, 5, {}, 0}}, 3)), 5 + 3 * kDayUs);
  EXPECT_EQ(
      rotation_date(key_with({{1, State::active, 5, {}, 0}, {2, State::active, 9, {}, 0}}, 3)),
      9 + 3 * kDayUs);
  EXPECT_EQ(rotation_date(key_with({{1, State::active, 5, {}, 7}}, 3)), 7 + 3 * kDayUs)
      << "from when it became active";
}

TEST(Rotation, LeavesAKeyAloneThatSomebodyStopped) {
  for (State state : {State::pre_active, State::restricted, State::retired, State::destroyed}) {
    Key key = key_with({{1, State::active, 5, {}, 0}, {2, state, 9, {}, 0}}, 3);
    key.attributes.rotate_after_uses = 1;
    EXPECT_EQ(rotation_date(key), 0);
    EXPECT_FALSE(used_up(key, 100));
  }
}

TEST(Rotation, AtTheLimitOfUses) {
  Key key = key_with({{1, State::active, 5, {}, 0}});
  EXPECT_FALSE(used_up(key, 1'000'000)) << "no limit";
  key.attributes.rotate_after_uses = 100;
  EXPECT_FALSE(used_up(key, 99));
  EXPECT_TRUE(used_up(key, 100));
}

TEST(Agenda, AnswersWhatIsDueByDate) {
  Key a = key_with({{1, State::active, 0, {}, 0, {{State::restricted, 30}, {State::retired, 40}}},
                    {2, State::pre_active, 0, {}, 0, {{State::active, 20}}}});
  Key b = key_with({{1, State::retired, 0, {}, 0, {{State::destroyed, 25}}}});
  b.id = {{9}};
  Agenda agenda;
  agenda.add(a);
  agenda.add(b);
  EXPECT_TRUE(agenda.due(19).empty());
  const std::vector<Due> due = agenda.due(30);
  ASSERT_EQ(due.size(), 3u);
  EXPECT_EQ(due[0], (Due{20, a.id, 2, State::active}));
  EXPECT_EQ(due[1], (Due{25, b.id, 1, State::destroyed}));
  EXPECT_EQ(due[2], (Due{30, a.id, 1, State::restricted}));
  agenda.remove(a);
  EXPECT_EQ(agenda.due(INT64_MAX), (std::vector<Due>{{25, b.id, 1, State::destroyed}}));
  agenda.remove(b);
  EXPECT_EQ(agenda.size(), 0u);
}

TEST(Agenda, KnowsRotations) {
  const Key key = key_with({{1, State::active, 5, {}, 0}}, 3);
  Agenda agenda;
  agenda.add(key);
  EXPECT_EQ(agenda.due(5 + 3 * kDayUs), (std::vector<Due>{{5 + 3 * kDayUs, kId, 0, State{}}}));
}

}  // namespace
}  // namespace nae::keys
