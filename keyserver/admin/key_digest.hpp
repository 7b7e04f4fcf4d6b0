// What of a key an administrator decides about, as one digest: records and approvals name it.
#pragma once

#include <string>

#include "keyserver/keys/key.hpp"

namespace nae::admin {

// "key:" and SHA-256, hexadecimal, over everything that a key's rows in the store say: name, id,
// type, attributes, and of each version its state, dates, plan and what is kept of it. Counts of
// uses are left out: they are nobody's decision. docs/spec/keys.md, "Digest".
std::string key_digest(const keys::Key& key);

}  // namespace nae::admin
