// Warnings: what a document says that is allowed and seldom meant.
#pragma once

#include <string>
#include <vector>

#include "keyserver/policy/document.hpp"

namespace nae::policy {

// One sentence each, by line. Names of roles belong to the database: whoever may make or rename one
// there (CREATEROLE) makes it match a pattern, and has what the rule gives.
std::vector<std::string> warnings(const Document& document);

}  // namespace nae::policy
