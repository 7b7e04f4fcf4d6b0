// Certificates that a call asks for, by the authority's key in the HSM.
#pragma once

#include "keyserver/admin/route.hpp"

namespace nae::admin {

// Code::invalid_argument when the authority's own certificate ends before.
Result<std::string> issue_client_certificate(AdminCall& call, const std::string& common_name,
                                             const std::string& uri, Bytes spki, std::int64_t days);

}  // namespace nae::admin
