// nae backup: the whole store, once custodians' cards have granted it.
#include <sys/stat.h>

#include <fstream>
#include <ostream>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "keyserver/admin/api/json.hpp"
#include "libnae/base/streamed_file.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/running_hash.hpp"
#include "libnae/custody/backup_file.hpp"

namespace nae::cli {
namespace {

using admin::api::shown;

constexpr std::size_t kPieceBytes = 1u << 20;
constexpr unsigned kOwnersFile = S_IRUSR | S_IWUSR;

struct BackupOptions {
  std::string out, granted;
};

struct Granted {
  std::string id, sha256;
  std::uint64_t bytes = 0, part_bytes = 0;
  json::value answer;
};

Result<std::uint64_t> count_in(const json::value& answer, const char* name) {
  const json::value* member = answer.as_object().if_contains(name);
  boost::system::error_code malformed;
  const auto count = member ? member->to_number<std::uint64_t>(malformed) : 0;
  if (!malformed && count != 0) return count;
  return fail(Code::protocol_violation,
              std::string("the server's answer has no good \"") + name + "\"");
}

Result<Granted> granted_in(const json::value& answer) {
  Granted granted;
  granted.id = shown(answer, "backup");
  granted.sha256 = shown(answer, "sha256");
  NAE_ASSIGN(granted.bytes, count_in(answer, "bytes"));
  NAE_ASSIGN(granted.part_bytes, count_in(answer, "part_bytes"));
  granted.answer = answer;
  if (is_name(granted.id)) return granted;
  return fail(Code::protocol_violation, "the server's answer names no backup");
}

// What became of the request that the cards decide on.
Outcome<Granted> find_granted(Server& server, const std::string& request) {
  NAE_ANSWER(const std::string id, checked_name(request));
  NAE_ANSWER(const json::value approval, server.call("GET", "/v1/approvals/" + id));
  const std::string state = shown(approval, "state");
  if (shown(approval, "action") != "backup")
    return tl::unexpected<Failure>(Error(Code::invalid_argument, id + " asks for no backup"));
  if (state == "waiting") {
    Failure failure(Error(Code::approval_required, "the request waits for approval"), true);
    failure.waiting = approval;
    failure.then = "Then: nae backup --out FILE --granted " + id;
    return tl::unexpected<Failure>(std::move(failure));
  }
  const json::value* answer = approval.as_object().if_contains("answer");
  if (state == "done" && answer && answer->is_object()) {
    NAE_ASSIGN(Granted granted, granted_in(*answer));
    return granted;
  }
  return tl::unexpected<Failure>(Failure(
      Error(Code::conflict, "the request " + id + " is " + state + ", and there is no backup of it",
            "Ask for another one: nae backup --out FILE."),
      true));
}

Outcome<Bytes> fetch_part(Server& server, const Granted& granted, std::uint64_t number) {
  NAE_ANSWER(const json::value part,
             server.call("GET", "/v1/backups/" + granted.id + "/parts/" + std::to_string(number)));
  NAE_ASSIGN(Bytes data, crypto::from_base64(shown(part, "data")));
  const std::uint64_t before = number * granted.part_bytes;
  if (data.size() != std::min(granted.part_bytes, granted.bytes - before))
    return tl::unexpected<Failure>(
        Error(Code::protocol_violation, "a part of the backup has another length"));
  return data;
}

// What the file gives, not what was sent to it; whether from the disk or from memory the system
// decides.
Result<custody::CustodySet> read_again(const std::filesystem::path& file, const Granted& granted) {
  std::ifstream in(file, std::ios::binary);
  crypto::RunningHash hash;
  Bytes head, piece(kPieceBytes);
  while (in) {
    in.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    const auto got = ByteView(piece).first(static_cast<std::size_t>(in.gcount()));
    hash.add(got);
    if (head.size() < custody::kMaxBackupHeaderBytes)
      head.insert(head.end(), got.begin(), got.end());
  }
  if (in.bad() || to_hex(hash.finish()) != granted.sha256)
    return fail(Code::file_failed, "the file that was written is not what the server made",
                "Fetch it again, onto another disk.");
  NAE_ASSIGN(const std::size_t bytes, custody::backup_header_bytes(head));
  NAE_ASSIGN(const custody::BackupHeader header,
             custody::parse_backup_header(ByteView(head).first(std::min(bytes, head.size()))));
  return custody::check_backup_header(header);
}

Outcome<ExitCode> back_up(Call& call, const BackupOptions& options) {
  NAE_ANSWER(auto server, call.server());
  // Before anybody takes a card to a reader.
  NAE_ASSIGN(StreamedFile file, StreamedFile::create(options.out, kOwnersFile));
  if (options.granted.empty()) {
    auto asked = server->call("POST", "/v1/backups");
    if (asked)
      return tl::unexpected<Failure>(
          Error(Code::protocol_violation, "the server gave a backup that nobody has granted"));
    if (asked.error().waits())
      asked.error().then = "Then: nae backup --out " + options.out + " --granted " +
                           shown(asked.error().waiting, "id");
    return tl::unexpected<Failure>(std::move(asked).error());
  }
  NAE_ANSWER(const Granted granted, find_granted(*server, options.granted));
  {
    Progress progress(call.err, "bytes", granted.bytes, Progress::is_seen());
    for (std::uint64_t number = 0, at = 0; at < granted.bytes; ++number) {
      NAE_ANSWER(const Bytes part, fetch_part(*server, granted, number));
      NAE_TRY_OUTCOME(file.append(part));
      at += part.size();
      progress.at(at);
    }
  }
  NAE_TRY_OUTCOME(file.flush());
  NAE_ASSIGN(const custody::CustodySet set, read_again(file.beside(), granted));
  NAE_TRY_OUTCOME(file.publish());
  // It is whole here; there it goes by itself within the hour.
  (void)server->call("DELETE", "/v1/backups/" + granted.id);
  call.show(granted.answer, [&] {
    call.out << options.out << ": " << shown(granted.answer, "keys") << " keys, "
             << shown(granted.answer, "versions")
             << " versions, opened again by the key server and "
             << "read back here\n"
             << "  SHA-256   " << granted.sha256 << '\n'
             << "  group     " << to_hex(set.group) << ", generation " << set.generation << '\n'
             << "  opens     with " << set.k << " of " << set.n()
             << " cards: nae-keyserver restore --backup FILE\n";
  });
  return kOk;
}

}  // namespace

void add_backup(CLI::App& app, Action& chosen) {
  auto [leaf, options] = add_leaf<BackupOptions>(
      app, "backup", "Fetch the key server's store as one sealed file, by custodians' cards",
      chosen, back_up);
  leaf->add_option("--out", options->out, "The file; it must not exist")->required();
  leaf->add_option("--granted", options->granted, "The request that the cards have granted");
  leaf->footer(
      "Takes the role operator. The first call asks, and ends with exit code 5; the custodians "
      "say\n"
      "'nae custody approve ID'. The second one, with --granted ID, by who asked and within an "
      "hour,\n"
      "fetches the file. It is sealed to the group: without the cards nobody opens it.\n\n"
      "Examples:\n"
      "  nae backup --out monday.nae\n"
      "  nae backup --out monday.nae --granted 0123456789abcdef");
}

}  // namespace nae::cli
