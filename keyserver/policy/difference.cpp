#include "keyserver/policy/difference.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "keyserver/policy/outcome.hpp"
#include "keyserver/policy/pattern.hpp"
#include "libnae/base/served.hpp"

namespace nae::policy {
namespace {

using Texts = std::vector<std::string>;
using Bits = std::vector<std::uint64_t>;  // one for each rule of both documents

enum Kind : std::size_t { kRole, kAction, kKey, kDatabase, kDevice, kProgram, kKinds };

struct Side {
  const Document& document;
  bool is_after;
};

struct TaggedRule {
  const Rule* rule;
  bool is_after;
  bool is_changed;
};

// Names that all rules treat alike.
struct Class {
  Texts names;
  Bits rules;
  bool declared[2] = {true, true};  // before, after
};

const std::string& other_name() {
  static const std::string kName = "\2other";
  return kName;
}

bool any_matches(const Texts& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const auto& p) { return pattern_matches(p, text); });
}

const Texts& patterns_of(const Rule& rule, Kind kind) {
  switch (kind) {
    case kRole:
      return rule.roles;
    case kKey:
      return rule.keys;
    case kDatabase:
      return rule.databases;
    case kDevice:
      return rule.devices;
    default:
      return rule.programs;
  }
}

bool touches(const Bits& bits, const Bits& others) {
  for (std::size_t i = 0; i < bits.size(); ++i)
    if ((bits[i] & others[i]) != 0) return true;
  return false;
}

Bits both(Bits bits, const Bits& others) {
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] &= others[i];
  return bits;
}

using Box = std::array<std::set<std::size_t>, kKinds>;  // classes of each kind
using Outcomes = std::pair<std::string, std::string>;

class Comparison {
 public:
  Comparison(const Document& before, const Document& after, std::span<const std::string> key_names)
      : sides_{Side{before, false}, Side{after, true}} {
    collect_rules();
    for (Kind kind : {kRole, kKey, kDatabase, kDevice, kProgram}) collect_classes(kind, key_names);
    for (std::uint8_t number = 1; number < 32; ++number)
      if (auto action = action_from_wire(number); action && is_served(*action)) add_action(*action);
  }

  Difference run() {
    compare_declarations();
    Bits all(words(), ~std::uint64_t{0});
    visit(0, all, {});
    for (auto& [outcomes, boxes] : found_)
      for (const Box& box : merged(std::move(boxes))) add_change(outcomes, box);
    return std::move(difference_);
  }

 private:
  std::size_t words() const { return rules_.size() / 64 + 1; }
  static void set(Bits& bits, std::size_t number) { bits[number / 64] |= 1ull << (number % 64); }
  static bool test(const Bits& bits, std::size_t number) {
    return (bits[number / 64] >> (number % 64) & 1) != 0;
  }

  void collect_rules() {
    std::set<std::string> decisions[2];
    for (const Side& side : sides_)
      for (const Rule& rule : side.document.rules)
        decisions[side.is_after].insert(decision_of(rule));
    for (const Side& side : sides_)
      for (const Rule& rule : side.document.rules)
        rules_.push_back(
            {&rule, side.is_after, !decisions[!side.is_after].contains(decision_of(rule))});
    changed_.assign(words(), 0);
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].is_changed) set(changed_, i);
  }

  // Names and patterns that occur, and what stands for every other one.
  std::set<std::string> names_of(Kind kind, std::span<const std::string> key_names) {
    std::set<std::string> names;
    if (kind == kKey) names.insert(key_names.begin(), key_names.end());
    for (const Side& side : sides_) {
      if (kind == kDevice)
        for (const Device& device : side.document.devices) names.insert(device.name);
      if (kind == kProgram)
        for (const Program& program : side.document.programs) names.insert(program.name);
      if (kind == kDevice || kind == kProgram) continue;
      for (const Rule& rule : side.document.rules)
        for (const std::string& pattern : patterns_of(rule, kind)) names.insert(pattern);
    }
    std::erase_if(names, [](const std::string& name) { return matches_any(name); });
    while (names.size() > kMaxComparedNames) {
      names.erase(std::prev(names.end()));
      difference_.complete = false;
    }
    if (kind != kDevice && kind != kProgram) names.insert(other_name());
    return names;
  }

  void collect_classes(Kind kind, std::span<const std::string> key_names) {
    std::map<std::pair<Bits, std::array<bool, 2>>, Texts> by_rules;
    for (const std::string& name : names_of(kind, key_names)) {
      std::string example = example_of(name);
      Bits bits(words(), 0);
      for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Texts& patterns = patterns_of(*rules_[i].rule, kind);
        bool any = patterns.empty() && kind != kKey && kind != kRole;
        if (any || any_matches(patterns, example)) set(bits, i);
      }
      by_rules[{bits, {is_declared(kind, name, 0), is_declared(kind, name, 1)}}].push_back(name);
    }
    for (auto& [known, names] : by_rules)
      classes_[kind].push_back({names, known.first, {known.second[0], known.second[1]}});
    if (kind != kKey) return;
    // Actions without a key: every rule's keys match.
    Class none{{}, Bits(words(), ~std::uint64_t{0}), {true, true}};
    classes_[kKey].push_back(none);
  }

  bool is_declared(Kind kind, std::string_view name, int side) const {
    const Document& document = sides_[static_cast<std::size_t>(side)].document;
    if (kind == kDevice) return document.device(name) != nullptr;
    return kind != kProgram || document.program(name) != nullptr;
  }

  void add_action(Action action) {
    Class one{{std::string(name(action))}, Bits(words(), 0), {true, true}};
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].rule->actions.contains(action)) set(one.rules, i);
    classes_[kAction].push_back(std::move(one));
    actions_.push_back(action);
  }

  // One kind after the other; leaves as soon as no changed rule is left that could matter.
  void visit(std::size_t kind, const Bits& rules, std::array<std::size_t, kKinds> chosen) {
    if (kind == kKinds) return compare_case(rules, chosen);
    std::size_t none = classes_[kKey].size() - 1;
    for (std::size_t i = 0; i < classes_[kind].size(); ++i) {
      if (kind == kKey && (i == none) == uses_key(actions_[chosen[kAction]])) continue;
      if (++steps_ > kMaxComparisonSteps || cases_ >= kMaxComparedCases) {
        difference_.complete = false;
        return;
      }
      const Class& one = classes_[kind][i];
      Bits left = both(rules, one.rules);
      bool moves = declarations_move_ || touches(left, changed_);
      if (!moves) continue;
      chosen[kind] = i;
      visit(kind + 1, left, chosen);
    }
  }

  void compare_case(const Bits& rules, const std::array<std::size_t, kKinds>& chosen) {
    ++cases_;
    Outcomes outcomes{outcome(rules, chosen, false), outcome(rules, chosen, true)};
    if (outcomes.first == outcomes.second) return;
    Box box;
    for (std::size_t kind = 0; kind < kKinds; ++kind) box[kind] = {chosen[kind]};
    found_[outcomes].push_back(std::move(box));
  }

  std::string outcome(const Bits& rules, const std::array<std::size_t, kKinds>& chosen,
                      bool is_after) const {
    for (Kind kind : {kDevice, kProgram})
      if (!classes_[kind][chosen[kind]].declared[is_after]) return std::string(kDeniedOutcome);
    std::vector<const Rule*> matching;
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].is_after == is_after && test(rules, i)) matching.push_back(rules_[i].rule);
    return outcome_of(matching);
  }

  // Boxes that differ in one kind only become one.
  static std::vector<Box> merged(std::vector<Box> boxes) {
    for (Kind kind : {kProgram, kDevice, kDatabase, kAction, kKey, kRole}) {
      std::map<Box, std::set<std::size_t>> by_rest;
      for (Box& box : boxes) {
        std::set<std::size_t> own = std::move(box[kind]);
        box[kind].clear();
        by_rest[box].merge(own);
      }
      boxes.clear();
      for (const auto& [rest, own] : by_rest) {
        boxes.push_back(rest);
        boxes.back()[kind] = own;
      }
    }
    return boxes;
  }

  // Empty when the box has all of them. A name that a pattern beside it means is left out.
  Texts names_in(const Box& box, Kind kind, std::string_view other) const {
    std::size_t total = classes_[kind].size() - (kind == kKey ? 1 : 0);
    Texts names;
    if (kind != kAction && box[kind].size() == total) return names;
    for (std::size_t number : box[kind])
      names.insert(names.end(), classes_[kind][number].names.begin(),
                   classes_[kind][number].names.end());
    Texts shown;
    for (const std::string& name : names) {
      bool is_meant = std::ranges::any_of(names, [&](const std::string& pattern) {
        return pattern != name && is_glob(pattern) && pattern_matches(pattern, example_of(name));
      });
      if (!is_meant) shown.push_back(name == other_name() ? std::string(other) : name);
    }
    std::ranges::sort(shown);
    return shown;
  }

  static std::string joined(const Texts& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
    return all;
  }

  void add_change(const Outcomes& outcomes, const Box& box) {
    if (difference_.changes.size() >= kMaxChanges) {
      difference_.complete = false;
      return;
    }
    Change change{names_in(box, kRole, "every other role"),
                  names_in(box, kAction, ""),
                  names_in(box, kKey, "every other key"),
                  names_in(box, kDatabase, "every other database"),
                  names_in(box, kDevice, ""),
                  names_in(box, kProgram, ""),
                  outcomes.first,
                  outcomes.second,
                  {}};
    bool has_key = !box[kKey].contains(classes_[kKey].size() - 1);
    std::string who = change.roles.empty() ? "every role" : joined(change.roles);
    std::string what = joined(change.actions);
    if (has_key) what += " on " + (change.keys.empty() ? "every key" : joined(change.keys));
    if (!change.databases.empty()) what += " in " + joined(change.databases);
    if (!change.devices.empty()) what += " from " + joined(change.devices);
    if (!change.programs.empty()) what += " by " + joined(change.programs);
    if (change.before == kDeniedOutcome)
      change.text = who + " gains " + what + (change.after == "value" ? "" : ": " + change.after);
    else if (change.after == kDeniedOutcome)
      change.text = who + " loses " + what;
    else
      change.text = who + ": " + what + " " + change.before + " -> " + change.after;
    difference_.changes.push_back(std::move(change));
  }

  template <class T>
  void declare(std::string_view kind, const std::vector<T>& before, const std::vector<T>& after,
               bool (*same)(const T&, const T&)) {
    auto say = [&](const T& item, std::string_view what) {
      difference_.declarations.push_back(std::string(kind) + " " + item.name + " " +
                                         std::string(what));
    };
    for (const T& item : before) {
      auto kept = std::ranges::find(after, item.name, &T::name);
      if (kept == after.end())
        say(item, "is no longer declared");
      else if (!same(item, *kept))
        say(item, "is declared otherwise");
    }
    for (const T& item : after)
      if (std::ranges::find(before, item.name, &T::name) == before.end()) say(item, "is new");
  }

  void compare_declarations() {
    const Document &before = sides_[0].document, &after = sides_[1].document;
    declare<Device>("device", before.devices, after.devices,
                    [](const Device&, const Device&) { return true; });
    declare<Program>("program", before.programs, after.programs,
                     [](const Program& a, const Program& b) {
                       return a.executables == b.executables && a.sha256 == b.sha256;
                     });
    declare<Issuer>("issuer", before.issuers, after.issuers, [](const Issuer& a, const Issuer& b) {
      return a.issuer == b.issuer && a.audience == b.audience && a.public_keys == b.public_keys &&
             a.clock_skew_seconds == b.clock_skew_seconds;
    });
    for (Kind kind : {kDevice, kProgram})
      for (const Class& one : classes_[kind])
        declarations_move_ = declarations_move_ || one.declared[0] != one.declared[1];
  }

  std::array<Side, 2> sides_;
  std::vector<TaggedRule> rules_;
  Bits changed_;
  std::array<std::vector<Class>, kKinds> classes_;
  std::vector<Action> actions_;
  bool declarations_move_ = false;
  std::size_t steps_ = 0, cases_ = 0;
  std::map<Outcomes, std::vector<Box>> found_;
  Difference difference_;
};

}  // namespace

Difference compare(const Document& before, const Document& after,
                   std::span<const std::string> key_names) {
  return Comparison(before, after, key_names).run();
}

}  // namespace nae::policy
