// `nae-keyserver restore`: k cards bring a group's keys onto a token, another module's too.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/config/config.hpp"
#include "keyserver/server/opened_custody.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

struct Restore : CardsAtReader {
  std::filesystem::path custody;    // custody.nae; or else, or of a newer generation besides:
  std::filesystem::path backup;     // of `nae backup`, which has it, and brings the store back, too
  std::filesystem::path audit_key;  // PEM; empty: audit-public.pem of the log's directory alone
};

struct Restored {
  std::vector<std::string> holders;  // whose cards opened it
  bool token_created = false;
  std::string taken_back;  // the step of an interrupted restore, whose keys were removed; or empty
  std::filesystem::path custody_written;  // custody.nae beside the store, that was gone; or empty
  std::uint64_t store_made_at_s = 0;      // when the backup was made; 0: the store was in place
  std::size_t versions = 0;               // of the store, each of which the token opens
  std::vector<std::string> not_portable;  // key versions that were on the old token alone
  std::string not_recorded;               // why the audit log has no record; empty: it has one
};

// For who ran it: lines.
std::string report_of(const config::Config& config, const Restored& restored);

// For a server that is stopped, whose configuration, PIN file and store are in place; with a backup
// there is no store, and the backup's becomes it: written beside, whole and opened block by block,
// then renamed. Opens and
// checks the shares first, each of which names its holder when it is not right. Then the token gets
// the keys; one that is not there is made, with the SO PIN from custody. Then every key version of
// the store is opened, and custody.nae beside it written where there
// is none: it, and not the file that was named, is what the next ones go by. Only then it is done,
// and recorded; otherwise the keys are taken away again. A note beside the store,
// restore.unfinished, tells the next one how far an interrupted one came. A log that was lost as
// well takes no record, nor does one that knows more of the store than is there; the keys are back
// all the same, and that is said. Code::not_initialised when neither `audit_key` nor the log's
// directory tells the audit key: nothing would say whose file it is. Code::approval_required for
// fewer than k cards, Code::conflict for a card that is there twice or of another group,
// Code::already_initialised when the token holds a group. Code::conflict also while another
// restore, or init, works in the directory or on the token, and while a server runs.
Result<Restored> restore(const config::Config& config, const Restore& wanted);

}  // namespace nae::server
