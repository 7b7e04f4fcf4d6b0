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

}  // namespace nae::admin
