// A policy document that was applied.
#pragma once

#include <cstdint>

#include "keyserver/admin/route.hpp"
#include "keyserver/policy/document.hpp"
#include "keyserver/policy/repository.hpp"

namespace nae::admin {

// 0 is the one in force. Code::not_found when there is none.
Result<policy::Revision> policy_revision(AdminCall& call, std::uint64_t number);

// For whoever applies or compares a document: policy::warnings().
json::array warnings_json(const policy::Document& document);

}  // namespace nae::admin
