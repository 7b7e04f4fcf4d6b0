#include "keyserver/operations/caller.hpp"

#include <algorithm>
#include <utility>

#include "keyserver/identity/token.hpp"
#include "keyserver/policy/decide.hpp"

namespace nae::operations {
namespace {

// Callers choose key names, also of keys that do not exist: the cache must not grow with them.
constexpr std::size_t kMaxDecisionsPerAction = 1024;

policy::Subject subject_of(const DeviceConnection& device, const RoleClaims& session,
                           const ProgramAttestation& program) {
  policy::Subject subject;
  subject.device = device.name;
  subject.device_address = device.address;
  subject.program = program.name;
  subject.database = session.database;
  subject.effective_role = session.effective_role;
  subject.session_role = session.session_role;
  subject.login_role = session.login_role;
  subject.memberships = session.memberships;
  std::sort(subject.memberships.begin(), subject.memberships.end());
  subject.client_address = session.client_address;
  subject.executable = program.executable;
  subject.executable_sha256 = program.executable_sha256;
  return subject;
}

}  // namespace

audit::Context audit_context(std::string_view device, std::string_view program,
                             const RoleClaims& session) {
  audit::Context context;
  context.device = device;
  context.program = program;
  context.database = session.database;
  context.role = session.effective_role;
  context.session_role = session.session_role;
  context.login_role = session.login_role;
  context.client_address = session.client_address;
  context.application_name = session.application_name;
  return context;
}

std::string address_without_port(std::string_view remote) {
  const std::size_t colon = remote.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view address = remote.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  return std::string(address);
}

Caller::Caller(const DeviceConnection& device, ProgramAttestation program, RoleClaims session,
               Bytes user_token)
    : subject_(subject_of(device, session, program)),
      program_(std::move(program)),
      claims_(std::move(session)),
      fragment_(audit::render_context(audit_context(subject_.device, subject_.program, claims_))),
      user_token_(std::move(user_token)) {}

Result<void> Caller::prove_user(const policy::PolicyBook& book, std::int64_t now_us) {
  if (user_token_.empty()) return {};
  const bool holds = subject_.user && now_us < subject_.user->expires_at_us;
  if (proven_in_epoch_ != book.epoch() || !(holds || user_refusal_)) prove_anew(book, now_us);
  if (user_refusal_) return fail(*user_refusal_);
  return {};
}

void Caller::prove_anew(const policy::PolicyBook& book, std::int64_t now_us) {
  const auto snapshot = book.snapshot();
  auto user = identity::verify(as_text(user_token_), snapshot->document->issuers, now_us);
  proven_in_epoch_ = snapshot->epoch;
  for (ByKey& decisions : decided_) decisions.clear();
  subject_.user.reset();
  user_refusal_.reset();
  if (!user) {
    user_refusal_ = std::move(user).error();
    return;
  }
  subject_.user = *std::move(user);
  audit::Context context = audit_context(subject_.device, subject_.program, claims_);
  context.user_issuer = subject_.user->issuer;
  context.user = subject_.user->subject;
  fragment_ = audit::render_context(context);
}

const policy::Decision& Caller::decide(const policy::PolicyBook& book, const keys::KeyRing& ring,
                                       Action action, std::string_view key, std::int64_t now_us) {
  if (!snapshot_ || snapshot_->epoch != book.epoch()) {
    snapshot_ = book.snapshot();
    for (ByKey& decisions : decided_) decisions.clear();
  }
  const auto anew = [&] {
    const keys::KeyPointer known = ring.find(key);
    return policy::decide(*snapshot_->document, subject_, action,
                          {key, known ? keys::name(known->origin()) : std::string_view()}, now_us);
  };
  ByKey& decisions = decided_[static_cast<std::size_t>(action)];
  if (auto found = decisions.find(key); found != decisions.end()) {
    policy::Decision& decision = found->second;
    if (now_us >= decision.valid_until_us) decision = anew();
    return decision;
  }
  if (decisions.size() >= kMaxDecisionsPerAction) decisions.clear();
  return decisions.emplace(std::string(key), anew()).first->second;
}

}  // namespace nae::operations
