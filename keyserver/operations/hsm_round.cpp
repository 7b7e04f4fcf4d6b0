#include "keyserver/operations/hsm_round.hpp"

#include <chrono>
#include <iterator>
#include <utility>

#include "keyserver/operations/shared_work.hpp"

namespace nae::operations {

constexpr int kMaxRounds = 8;

void Progress::add(Prepared&& made) {
  if (!made.made.empty() || !made.opened.empty()) rounds = 0;
  prepared.keys.insert(prepared.keys.end(), std::make_move_iterator(made.keys.begin()),
                       std::make_move_iterator(made.keys.end()));
  prepared.opened.merge(made.opened);
  for (auto& [item, result] : made.made) prepared.made.insert_or_assign(item, std::move(result));
}

bool Progress::stuck() const {
  return rounds >= kMaxRounds;
}

void ask_hsm(const Parts& parts, Progress& progress, const std::string& party, HsmWork work,
             std::shared_ptr<const CryptoRequest> asked,
             std::function<void(Result<Prepared>)> done) {
  ++progress.rounds;
  if (!work.makes().empty()) {
    // Of one device: nobody waits behind the line of another.
    const std::string made = work.makes() + party;
    const auto enough = std::chrono::steady_clock::now() + parts.settings.hsm_timeout / 2;
    auto join = [done, enough](const Result<Prepared>& result) {
      done(share_of(result, std::chrono::steady_clock::now() >= enough));
    };
    if (parts.shared_work->join(made, std::move(join))) return;
    done = [made, done = std::move(done), shared = parts.shared_work](Result<Prepared> prepared) {
      shared->finish(made, prepared);
      done(std::move(prepared));
    };
  }
  parts.metrics.hsm_requests().Increment();
  auto on_hsm = [asked = std::move(asked), work = std::move(work)](keys::Hsm& hsm) {
    return work(hsm, *asked);
  };
  parts.hsm.ask<Prepared>(std::move(on_hsm), std::move(done), parts.settings.hsm_timeout, party);
}

}  // namespace nae::operations
