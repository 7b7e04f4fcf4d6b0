// What changes of keys have in common, whoever makes them.
#pragma once

#include <string>

#include "keyserver/admin/admin_parts.hpp"
#include "keyserver/admin/route.hpp"

namespace nae::admin {

// Cached decisions and prepared working keys end before the change is answered: no connection gets
// an answer under the old state afterwards. Code::timeout when one thread does not finish: the
// change is made, but not yet in force there. Version 0: a change of the key as a whole.
Result<void> put_in_force(keys::WorkingKeys& working, policy::PolicyBook& policy,
                          const ChangeParts& change, const keys::Key& key, std::uint16_t version,
                          keys::State state);
Result<void> put_in_force(AdminCall& call, const keys::Key& key, std::uint16_t version = 0,
                          keys::State state = keys::State::active);

// "version 2 retired", for records.
std::string change_text(std::uint64_t version, keys::State state);

// The whole of a key as the interface shows it.
Result<Reply> reply_with(const keys::Key& key, unsigned status = 200);
// The same for a call that changed it: the record names the key's digest.
Result<Reply> changed(AdminCall& call, const keys::Key& key, unsigned status = 200);
// One line of a listing.
json::object summary_of(const keys::Key& key);

// Reads the attributes that `body` names over those that the key has: labels one by one, null
// takes one away; lists as a whole.
Result<void> read_attributes(api::Fields& fields, const json::object& body, KeyType type,
                             keys::Attributes& attributes);
// A date in the body, 0 when absent.
Result<std::int64_t> read_date(api::Fields& fields, std::string_view name);
Result<keys::State> read_state(std::string_view name);

}  // namespace nae::admin
