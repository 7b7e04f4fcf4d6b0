// libFuzzer: a policy document is refused with its line or safe to decide by: whatever it says, an
// unknown subject gets nothing, a decision holds for some time, and it does not differ from itself.
#include "keyserver/policy/decide.hpp"
#include "keyserver/policy/difference.hpp"
#include "keyserver/policy/explain.hpp"
#include "tests/fuzz/toml_mutator.hpp"

using namespace nae;
using namespace nae::fuzz;

namespace {

void check_decisions(const policy::Document& document, std::int64_t now_us) {
  policy::Subject nobody;
  require(!policy::decide(document, nobody, Action::decrypt, "k", now_us).allowed());
  if (document.devices.empty() || document.programs.empty()) return;
  for (const policy::Rule& rule : document.rules) {
    policy::Subject subject{.device = document.devices.front().name,
                            .program = document.programs.front().name,
                            .database = rule.databases.empty() ? "d" : rule.databases.front(),
                            .effective_role = rule.roles.front(),
                            .device_address = "10.1.2.3:7"};
    std::string key = rule.keys.empty() ? "k" : rule.keys.front();
    auto decision = policy::decide(document, subject, Action::decrypt, key, now_us);
    require(decision.valid_until_us > now_us);
    require((decision.verdict == policy::Verdict::masked) == !decision.masks.empty());
    require(decision.allowed() || decision.limits.empty());
    require(policy::explain(document, subject, Action::decrypt, key, now_us).decision == decision);
    Bytes out(policy::max_masked_bytes(8));
    if (!decision.masks.empty())
      require(policy::mask(decision.masks, as_bytes("12a@b.34"), out).has_value());
  }
}

}  // namespace

NAE_MUTATE_TOML

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto document = policy::parse(text_of(data, size));
  if (!document) {
    require_refusal(document.error(), Code::policy_invalid);
    return 0;
  }
  for (std::int64_t now_us : {0L, 1'774'746'000'000'000L, 1'792'890'000'000'000L})
    check_decisions(*document, now_us);
  require(policy::compare(*document, *document, {}).changes.empty());
  return 0;
}
