#include "keyserver/group/charge.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::group {
namespace {

constexpr char kHint[] =
    "Ask the one that is in charge; this one takes over when that one is gone.";
constexpr std::size_t kHolderBytes = 16;
constexpr int kRenewalsALease = 3;
// After a failure; a lease is renewed well before its end also where the first tries fail.
constexpr int kTriesALease = 30;
constexpr std::chrono::milliseconds kShortestPause{50};

}  // namespace

Charge::Charge(std::unique_ptr<store::Lease> lease, ChargeOptions options)
    : options_(std::move(options)), lease_(std::move(lease)) {}

Result<std::unique_ptr<Charge>> Charge::take(std::unique_ptr<store::Lease> lease,
                                             Candidate& candidate, ChargeOptions options) {
  NAE_ASSIGN(const store::LeaseState seen, lease->read());
  const auto now = BootClock::now();
  if (!candidate.may_take(seen, now, options.lease))
    return fail(Code::server_unavailable,
                "the key server " + seen.node + " is in charge of the store", kHint);
  Bytes drawn(kHolderBytes);
  NAE_TRY(crypto::random_bytes(drawn));
  const std::string holder = options.holder.empty() ? to_hex(drawn) : options.holder;
  const auto sent = BootClock::now();
  NAE_ASSIGN(const auto holding, lease->take(seen, options.node, holder, options.lease));
  if (!holding)
    return fail(Code::server_unavailable, "another key server has just taken the lease", kHint);
  std::unique_ptr<Charge> charge(new Charge(std::move(lease), std::move(options)));
  charge->holding_ = *holding;
  charge->tenure_->extend(sent, charge->options_.lease);
  charge->thread_ = std::thread([&self = *charge] { self.keep_renewing(); });
  return charge;
}

Charge::~Charge() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  // When this fails the next node waits for as long as a lease lasts.
  if (!forfeited_ && tenure_->holds()) static_cast<void>(lease_->release(holding_));
  tenure_->end();
}

void Charge::forfeit() {
  {
    std::lock_guard lock(mutex_);
    forfeited_ = true;
    tenure_->end();
  }
  wake_.notify_all();
}

Result<store::Renewal> Charge::renew() {
  const auto known = options_.watch ? options_.watch->known() : store::LedgerPoint{};
  const auto sent = BootClock::now();
  NAE_ASSIGN(const store::Renewed renewed, lease_->renew(holding_, known));
  if (renewed.outcome != store::Renewal::mine) return renewed.outcome;
  // One that came back after the end does not begin it again.
  if (tenure_->holds()) tenure_->extend(sent, options_.lease);
  if (options_.watch) options_.watch->look(renewed.sight);
  return renewed.outcome;
}

void Charge::keep_renewing() {
  auto pause = options_.lease / kRenewalsALease;
  Error last(Code::server_unavailable,
             "the lease was given up: what became of a change is not known");
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, pause, [&] { return stopping_ || forfeited_; });
      if (stopping_) return;
      if (forfeited_) break;
    }
    if (!tenure_->holds()) break;
    const auto renewed = renew();
    if (renewed == store::Renewal::mine) {
      pause = options_.lease / kRenewalsALease;
      continue;
    }
    if (renewed) {
      last = Error(Code::server_unavailable, *renewed == store::Renewal::fenced
                                                 ? "this key server was fenced"
                                                 : "another key server has taken the store over");
      break;
    }
    last = renewed.error();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(tenure_->left());
    pause = std::clamp(left, std::chrono::milliseconds(0),
                       std::max(options_.lease / kTriesALease, kShortestPause));
  }
  tenure_->end();
  options_.lost(last);
}

}  // namespace nae::group
