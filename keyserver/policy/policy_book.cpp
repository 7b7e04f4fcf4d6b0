#include "keyserver/policy/policy_book.hpp"

namespace nae::policy {

Result<void> check_revision(std::optional<std::uint32_t> base, std::uint32_t in_force) {
  if (!base || *base == in_force) return {};
  return fail(Code::conflict,
              "the policy in force is version " + std::to_string(in_force) + ", not " +
                  std::to_string(*base),
              "See 'nae policy diff', and apply your change to the version in force.");
}

Result<PolicyBook::Latest> PolicyBook::read_latest(Repository& repository) {
  NAE_ASSIGN(std::optional<Revision> latest, repository.latest());
  if (!latest) return Latest{std::make_shared<const Document>(), 0, {}};
  auto parsed = parse(latest->text, Written::before);
  if (!parsed)
    return fail(Code::store_corrupt, "policy revision " + std::to_string(latest->number) +
                                         " in the store: " + parsed.error().message);
  return Latest{std::make_shared<const Document>(std::move(*parsed)), latest->number,
                crypto::sha256(as_bytes(latest->text))};
}

Result<std::unique_ptr<PolicyBook>> PolicyBook::open(Repository& repository) {
  NAE_ASSIGN(Latest latest, read_latest(repository));
  auto first = std::make_shared<const Snapshot>(
      Snapshot{std::move(latest.document), latest.number, 1, latest.text_sha256});
  return std::unique_ptr<PolicyBook>(new PolicyBook(repository, std::move(first)));
}

Result<void> PolicyBook::reload() {
  std::lock_guard one_at_a_time(apply_mutex_);
  NAE_ASSIGN(Latest latest, read_latest(repository_));
  std::lock_guard lock(mutex_);
  put_in_force(std::move(latest.document), latest.number, latest.text_sha256);
  return {};
}

PolicyBook::PolicyBook(Repository& repository, std::shared_ptr<const Snapshot> first)
    : repository_(repository), current_(std::move(first)), epoch_(current_->epoch) {}

std::shared_ptr<const Snapshot> PolicyBook::snapshot() const {
  std::lock_guard lock(mutex_);
  return current_;
}

Result<std::shared_ptr<const Snapshot>> PolicyBook::apply(std::string_view text,
                                                          std::string_view author,
                                                          std::string_view comment,
                                                          std::int64_t now_us,
                                                          std::optional<std::uint32_t> base) {
  NAE_ASSIGN(Document parsed, parse(text));
  auto document = std::make_shared<const Document>(std::move(parsed));
  std::lock_guard one_at_a_time(apply_mutex_);
  NAE_TRY(check_revision(base, snapshot()->number));
  NAE_ASSIGN(std::uint32_t number, repository_.insert({0, std::string(text), std::string(author),
                                                       std::string(comment), now_us}));
  std::lock_guard lock(mutex_);
  put_in_force(std::move(document), number, crypto::sha256(as_bytes(text)));
  return current_;
}

std::uint64_t PolicyBook::bump_epoch() {
  std::lock_guard lock(mutex_);
  put_in_force(current_->document, current_->number, current_->text_sha256);
  return current_->epoch;
}

// The snapshot is published before its epoch: who sees the epoch finds the snapshot.
void PolicyBook::put_in_force(std::shared_ptr<const Document> document, std::uint32_t number,
                              const crypto::Sha256Digest& text_sha256) {
  current_ = std::make_shared<const Snapshot>(
      Snapshot{std::move(document), number, current_->epoch + 1, text_sha256});
  epoch_.store(current_->epoch, std::memory_order_release);
}

}  // namespace nae::policy
