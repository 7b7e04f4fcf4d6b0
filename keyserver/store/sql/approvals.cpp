#include <algorithm>

#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/recorded.hpp"
#include "keyserver/store/sql/rows.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {
namespace {

// One administrator must not keep the others from requesting.
constexpr std::size_t kShares = 5;

std::int64_t number(ApprovalState state) {
  return static_cast<std::int64_t>(state);
}

constexpr std::string_view kColumns =
    "SELECT id, operation, action, method, target, content_type, digest, requested_by, fingerprint,"
    " requested_at_us, expires_at_us, state, status, base";

Approval read_row(const Statement& row) {
  Approval approval;
  approval.id = row.text(0);
  approval.operation = row.text(1);
  approval.action = row.text(2);
  approval.method = row.text(3);
  approval.target = row.text(4);
  approval.content_type = row.text(5);
  approval.digest = row.text(6);
  approval.requested_by = row.text(7);
  approval.fingerprint = row.text(8);
  approval.requested_at_us = row.integer(9);
  approval.expires_at_us = row.integer(10);
  approval.state = static_cast<ApprovalState>(row.integer(11));
  approval.status = static_cast<unsigned>(row.integer(12));
  approval.base = row.text(13);
  return approval;
}

Result<void> read_decisions(Database& database, Approval& approval) {
  NAE_ASSIGN(Statement rows, database.query("SELECT who, verdict, digest, at_us"
                                            " FROM approval_decisions WHERE approval = ?1"
                                            " ORDER BY number",
                                            std::string_view(approval.id)));
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return {};
    approval.decisions.push_back(
        {rows.text(0), static_cast<Verdict>(rows.integer(1)), rows.text(2), rows.integer(3)});
  }
}

// The file refuses most of these too; here they get their words.
Result<void> check_decision(const Approval& approval, const Decision& decision) {
  ApprovalState state = approval.state;
  if (state == ApprovalState::waiting && approval.expires_at_us <= decision.at_us)
    state = ApprovalState::expired;
  if (state != ApprovalState::waiting)
    return fail(
        Code::conflict,
        "the request " + approval.id + " does not wait any more: it is " + std::string(name(state)),
        "Make the request again if it is still wanted.");
  if (approval.digest != decision.digest)
    return fail(Code::conflict, "the request is not the one that was looked at",
                "Look at it again: nae approvals " + approval.id);
  if (decision.verdict == Verdict::approved && approval.requested_by == decision.by)
    return fail(Code::conflict, "who makes a request does not approve it",
                "Ask another administrator with the role: nae approve " + approval.id);
  if (std::ranges::find(approval.decisions, decision.by, &Decision::by) != approval.decisions.end())
    return fail(Code::conflict, decision.by + " has decided on the request already",
                "Ask another administrator with the role: nae approve " + approval.id);
  return {};
}

ApprovalState state_after(const Approval& approval, const Decision& decision,
                          const Needed& needed) {
  if (decision.verdict == Verdict::rejected) return ApprovalState::rejected;
  std::vector<Decision> decisions = approval.decisions;
  decisions.push_back(decision);
  return needed.counted(decisions) >= needed.approvals ? ApprovalState::running
                                                       : ApprovalState::waiting;
}

// The ids of those in `state` that expire by `by_us`.
Result<std::vector<std::string>> ids_of(Database& database, ApprovalState state,
                                        std::int64_t by_us) {
  NAE_ASSIGN(Statement rows, database.query("SELECT id FROM approvals WHERE state = ?1"
                                            " AND expires_at_us <= ?2 ORDER BY id",
                                            number(state), by_us));
  std::vector<std::string> ids;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return ids;
    ids.push_back(rows.text(0));
  }
}

}  // namespace

Result<std::optional<Approval>> find_approval_row(Database& database, std::string_view id) {
  NAE_ASSIGN(
      Statement row,
      database.query(std::string(kColumns) + ", body, answer FROM approvals WHERE id = ?1", id));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  Approval approval = read_row(row);
  approval.body = row.text(14);
  approval.answer = row.text(15);
  NAE_TRY(read_decisions(database, approval));
  return approval;
}

Result<std::vector<Approval>> read_approvals(Database& database) {
  std::vector<std::string> ids;
  {
    NAE_ASSIGN(Statement rows, database.query("SELECT id FROM approvals ORDER BY id"));
    while (true) {
      NAE_ASSIGN(bool row, rows.step());
      if (!row) break;
      ids.push_back(rows.text(0));
    }
  }
  std::vector<Approval> approvals;
  for (const std::string& id : ids) {
    NAE_ASSIGN(std::optional<Approval> approval, find_approval_row(database, id));
    if (approval) approvals.push_back(*std::move(approval));
  }
  return approvals;
}

Result<std::string> Store::insert_approval(const Approval& approval, std::size_t most_waiting) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  {
    // Who sends a request again, because no answer came, asks for nothing new.
    NAE_ASSIGN(
        Statement same,
        database_->query("SELECT id FROM approvals WHERE state = 1 AND digest = ?1"
                         " AND requested_by = ?2 AND fingerprint = ?3",
                         std::string_view(approval.digest), std::string_view(approval.requested_by),
                         std::string_view(approval.fingerprint)));
    NAE_ASSIGN(bool waits, same.step());
    if (waits) return same.text(0);
  }
  NAE_TRY(change.touch(Noun::approval, identity_of(approval.id)));
  NAE_TRY(database_->execute(
      "INSERT INTO approvals (id, operation, action, method, target, content_type, body, digest,"
      "  requested_by, fingerprint, requested_at_us, expires_at_us, base, state)"
      " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?15, 1"
      "  WHERE (SELECT count(*) FROM approvals WHERE state = 1) < ?13"
      "   AND (SELECT count(*) FROM approvals WHERE state = 1 AND requested_by = ?9) < ?14",
      std::string_view(approval.id), std::string_view(approval.operation),
      std::string_view(approval.action), std::string_view(approval.method),
      std::string_view(approval.target), std::string_view(approval.content_type),
      std::string_view(approval.body), std::string_view(approval.digest),
      std::string_view(approval.requested_by), std::string_view(approval.fingerprint),
      approval.requested_at_us, approval.expires_at_us, static_cast<std::int64_t>(most_waiting),
      static_cast<std::int64_t>(most_waiting / kShares), std::string_view(approval.base)));
  if (database_->changes() == 0)
    return fail(Code::overloaded, "too many requests wait for approval",
                "Have some of them approved or rejected: nae approvals");
  NAE_TRY(change.commit(ChangeKind::approval_requested));
  return approval.id;
}

Result<std::optional<Approval>> Store::find_approval(std::string_view id) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(std::optional<Approval> approval, find_approval_row(*database_, id));
  NAE_TRY(ledger_->check(approval ? item_of(*approval)
                                  : Item{Noun::approval, identity_of(id), std::nullopt}));
  return approval;
}

Result<std::vector<Approval>> Store::list_approvals(std::size_t most) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows,
             database_->query(std::string(kColumns) + " FROM approvals ORDER BY state <> 1,"
                                                      " requested_at_us DESC, id LIMIT ?1",
                              static_cast<std::int64_t>(most)));
  std::vector<Approval> approvals;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) break;
    approvals.push_back(read_row(rows));
  }
  NAE_TRY(ledger_->check_whole(Noun::approval));
  for (Approval& approval : approvals) {
    NAE_ASSIGN(const std::optional<Approval> whole, find_approval_row(*database_, approval.id));
    if (!whole) return fail(Code::store_corrupt, "the store lost the request " + approval.id);
    NAE_TRY(ledger_->check(item_of(*whole)));
    approval.decisions = whole->decisions;
  }
  return approvals;
}

Result<ApprovalState> Store::decide_approval(std::string_view id, const Decision& decision,
                                             const Needed& needed) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::approval, identity_of(id)));
  NAE_ASSIGN(std::optional<Approval> approval, find_approval_row(*database_, id));
  if (!approval) return fail(Code::not_found, "there is no request " + std::string(id));
  NAE_TRY(check_decision(*approval, decision));
  const ApprovalState state = state_after(*approval, decision, needed);
  NAE_TRY(database_->execute(
      "INSERT INTO approval_decisions (approval, number, who, verdict, digest, at_us)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      id, static_cast<std::int64_t>(approval->decisions.size() + 1), std::string_view(decision.by),
      static_cast<std::int64_t>(decision.verdict), std::string_view(decision.digest),
      decision.at_us));
  if (state != ApprovalState::waiting)
    NAE_TRY(database_->execute(
        "UPDATE approvals SET state = ?2, body = CASE ?2 WHEN 2 THEN body ELSE '' END"
        " WHERE id = ?1",
        id, number(state)));
  NAE_TRY(change.commit(ChangeKind::approval_decided));
  return state;
}

Result<void> Store::finish_approval(std::string_view id, unsigned status, std::string_view answer) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_TRY(change.touch(Noun::approval, identity_of(id)));
  ApprovalState state = status < 400 ? ApprovalState::done : ApprovalState::failed;
  NAE_TRY(
      database_->execute("UPDATE approvals SET state = ?2, status = ?3, answer = ?4, body = ''"
                         " WHERE id = ?1 AND state = 2",
                         id, number(state), static_cast<std::int64_t>(status), answer));
  return change.commit(ChangeKind::approval_finished);
}

Result<void> Store::expire_approvals(std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  {
    // Asked at every look at requests, and nearly always there is none.
    NAE_ASSIGN(const auto due, ids_of(*database_, ApprovalState::waiting, now_us));
    if (due.empty()) return {};
  }
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(const auto due, ids_of(*database_, ApprovalState::waiting, now_us));
  for (const std::string& id : due) {
    NAE_TRY(change.touch(Noun::approval, identity_of(id)));
    NAE_TRY(database_->execute("UPDATE approvals SET state = 6, body = '' WHERE id = ?1",
                               std::string_view(id)));
  }
  return change.commit(ChangeKind::approvals_expired);
}

Result<std::vector<std::string>> Store::interrupt_approvals() {
  std::lock_guard lock(mutex_);
  {
    // A start with nothing to interrupt changes nothing: it goes on where a store takes no changes.
    NAE_ASSIGN(const auto running, ids_of(*database_, ApprovalState::running, INT64_MAX));
    if (running.empty()) return running;
  }
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(const auto running, ids_of(*database_, ApprovalState::running, INT64_MAX));
  for (const std::string& id : running) {
    NAE_TRY(change.touch(Noun::approval, identity_of(id)));
    NAE_TRY(database_->execute("UPDATE approvals SET state = 7, body = '' WHERE id = ?1",
                               std::string_view(id)));
  }
  NAE_TRY(change.commit(ChangeKind::approvals_interrupted));
  return running;
}

}  // namespace nae::store::sql
