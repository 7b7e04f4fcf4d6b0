// Requests that wait for a second administrator: how one is kept, and what binds its approval to
// it.
#pragma once

#include "keyserver/admin/route.hpp"

namespace nae::admin {

// SHA-256, hexadecimal, over method, target, content type, body and, when there is one, the base,
// each with its length before it: what the approver saw is what is done.
std::string request_digest(const http::HttpRequest& request, const std::string& base);

// Code::conflict when what an approved call changes is not what it was when it was requested.
Result<void> check_base(const AdminCall& call, const Route& route);

// Keeps the request of `call` instead of doing it: the answer is 202 and its "approval".
Result<Reply> request_approval(AdminCall& call, const Route& route, const std::string& operation,
                               const std::string& fingerprint);

// The one that the call's path names, as it stands now. Code::not_found.
Result<store::Approval> approval_of(const AdminCall& call);
// Code::conflict when it was decided on, or expired.
Result<void> check_waiting(const store::Approval& approval);
// Of a request that waits: what it would change, and that this is still what it was.
Result<json::value> preview_of(const AdminCall& call, const store::Approval& approval);
// For the audit record of a decision.
std::string audit_text(const store::Approval& approval);
// Of a request whose last decision was just made: does it as the administrator who asked for it,
// and keeps what came of it.
Result<Reply> do_approved(AdminCall& call, const store::Approval& approval, json::value difference);

}  // namespace nae::admin
