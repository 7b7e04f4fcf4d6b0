#include "keyserver/keys/state.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace nae::keys {
namespace {

// Written out a second time, in another form than the table's: one letter a state, in order.
TEST(State, PermitsExactlyThisInEveryStateAndAction) {
  const std::map<Action, std::string> expected = {
      {Action::encrypt, ".A..."},    {Action::decrypt, ".AR.."}, {Action::sign, ".A..."},
      {Action::verify, ".AR.."},     {Action::mac, ".A..."},     {Action::mac_verify, ".AR.."},
      {Action::hash, "....."},       {Action::random, "....."},  {Action::wrap, "....."},
      {Action::unwrap, "....."},     {Action::rewrap, ".AR.."},  {Action::derive, ".AR.."},
      {Action::export_key, "....."}, {Action::manage, "....."},  {Action::search, ".A..."}};
  for (int number = 0; number < 256; ++number) {
    const auto action = action_from_wire(static_cast<std::uint8_t>(number));
    if (!action) continue;
    ASSERT_TRUE(expected.contains(*action)) << number;
    for (std::size_t i = 0; i < states().size(); ++i)
      EXPECT_EQ(permits(states()[i], *action), expected.at(*action)[i] != '.')
          << name(states()[i]) << " " << nae::name(*action);
  }
  EXPECT_FALSE(permits(State{0}, Action::decrypt));
  EXPECT_FALSE(permits(State{6}, Action::decrypt));
  EXPECT_FALSE(permits(State::active, Action{0}));
}

TEST(State, TakesExactlyTheseSteps) {
  const std::map<State, std::string> expected = {{State::pre_active, ".A.TD"},
                                                 {State::active, "..RT."},
                                                 {State::restricted, "...T."},
                                                 {State::retired, "..R.D"},
                                                 {State::destroyed, "....."}};
  for (State from : states())
    for (std::size_t i = 0; i < states().size(); ++i)
      EXPECT_EQ(may_become(from, states()[i]), expected.at(from)[i] != '.')
          << name(from) << " to " << name(states()[i]);
  EXPECT_FALSE(may_become(State{0}, State::active));
  EXPECT_FALSE(may_become(State::active, State{9}));
}

TEST(State, NamesAndNumbersReadBack) {
  for (State state : states()) {
    EXPECT_EQ(state_from_name(name(state)), state);
    EXPECT_EQ(state_from_number(static_cast<std::uint8_t>(state)), state);
  }
  EXPECT_FALSE(state_from_name("Active"));
  EXPECT_FALSE(state_from_name(""));
  EXPECT_FALSE(state_from_number(0));
  EXPECT_FALSE(state_from_number(6));
}

TEST(Key, PrimaryIsTheNewestActiveVersion) {
  Key key;
  EXPECT_EQ(key.primary(), nullptr);
  for (std::uint16_t number : {1, 2, 3}) key.versions.push_back({number, State::active, 0, {}});
  EXPECT_EQ(key.primary()->number, 3);
  key.versions.replace(2, {3, State::restricted});
  EXPECT_EQ(key.primary()->number, 2);
  key.versions.replace(0, {1, State::pre_active});
  key.versions.replace(1, {2, State::pre_active});
  EXPECT_EQ(key.primary(), nullptr);
}

TEST(Key, FindsVersionsByNumber) {
  Key key;
  for (std::uint16_t number : {1, 2, 5}) key.versions.push_back({number, State::active, 0, {}});
  EXPECT_EQ(key.version(5)->number, 5);
  for (std::uint16_t number : {0, 3, 6, 65535}) EXPECT_EQ(key.version(number), nullptr);
}

}  // namespace
}  // namespace nae::keys
