#include "keyserver/setup/initialise.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "keyserver/audit/head.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/provision.hpp"
#include "keyserver/setup/authority.hpp"
#include "keyserver/setup/claim.hpp"
#include "keyserver/setup/drawn_text.hpp"
#include "keyserver/setup/move_store.hpp"
#include "keyserver/setup/take_up_ledger.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "keyserver/setup/unfinished.hpp"
#include "keyserver/store/postgresql/store.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"
#include "libnae/base/host.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/random.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::setup {
namespace {

using Path = std::filesystem::path;

Result<std::string> random_hex(std::size_t bytes) {
  Bytes drawn(bytes);
  NAE_TRY(crypto::random_bytes(drawn));
  return to_hex(drawn);
}

// A TCP port that is free at this moment. Another process may take it before the server starts;
// the server then says so.
Result<std::uint16_t> free_port() {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bool found = socket >= 0 && ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
               ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (socket >= 0) ::close(socket);
  if (!found) return fail(Code::internal, "no free port was found");
  return ntohs(address.sin_port);
}

Result<void> make_directory(const Path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || ::chmod(directory.c_str(), S_IRWXU) != 0)
    return fail(Code::file_failed, "cannot create " + directory.string() + ": " + error.message());
  return {};
}

Result<void> write(const Path& file, std::string_view content, unsigned mode) {
  return write_new_file(file, as_bytes(content), mode);
}

// A TOML literal string: no escapes.
std::string quoted_path(const Path& path) {
  return "'" + path.string() + "'";
}

// A TOML basic string: parameters of modules, and labels, have quotes of their own.
std::string basic_string(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// One run of init; each step uses what the ones before it have made.
class Initialisation {
 public:
  explicit Initialisation(const Choices& choices)
      : choices_(choices), directory_(choices.directory) {}

  // What a failed run has made would stand in the next one's way.
  Result<Made> run() {
    auto made = make();
    if (made || !claim_) return made;
    std::error_code ignored;
    if (auto back = note_ ? take_back_own() : Result<void>(); !back)
      made.error().message += "; and not all of it could be taken back (" + back.error().message +
                              "): the next init here goes on with that";
    else
      std::filesystem::remove(directory_, ignored);  // an empty one only
    return made;
  }

 private:
  // Keys first and the note last: wherever it is cut, the next run finds the note.
  Result<void> take_back_own() {
    hsm_.reset();
    // There is no configuration, so nobody uses it: the next run may go on with this.
    if (last_step_) (void)note_->reached(Step::custody);
    if (keys_begun_ && !embedded()) NAE_TRY(hsm::remove_group(hsm_options_, group_));
    return remove_made(directory_);
  }

  Result<Made> make() {
    if (!is_name(choices_.admin))
      return fail(Code::invalid_argument, "the administrator's name is no name");
    // Whatever can be refused is refused before there is anything.
    NAE_ASSIGN(cards_, read_cards(choices_.custody));
    if (!cards_.empty()) NAE_TRY(custody::check_quorum({choices_.custody.k, cards_.size()}));
    if (!choices_.store_url.empty()) {
      NAE_ASSIGN(target_, store::postgresql::read_target(choices_.store_url));
      NAE_TRY(store::postgresql::check_empty(*target_));
    }
    NAE_ASSIGN(server_id_, random_hex(8));
    if (choices_.port == 0) {
      NAE_ASSIGN(port_, free_port());
    } else {
      port_ = choices_.port;
    }
    NAE_TRY(crypto::random_bytes(group_));
    NAE_TRY(claim_directory());
    // Before anything else is in the directory: without a note nobody takes it back.
    NAE_ASSIGN(Unfinished begun,
               Unfinished::begin(directory_, group_, embedded() ? "" : choices_.token_label));
    Unfinished& note = note_.emplace(std::move(begun));
    for (const char* part : {".", "hsm", "tls", "audit", "admin"})
      NAE_TRY(make_directory(directory_ / part));
    NAE_TRY(note.reached(Step::token));
    NAE_TRY(provision_hsm(note));
    NAE_TRY(note.reached(Step::certificates));
    NAE_TRY(issue_certificates());
    NAE_TRY(note.reached(Step::store));
    NAE_TRY(create_store());
    NAE_TRY(write_audit_key());
    NAE_TRY(note.reached(Step::custody));
    NAE_TRY(give_into_custody());
    last_step_ = true;
    NAE_TRY(note.reached(Step::configuration));
    if (target_) NAE_TRY(move_into_postgresql());
    NAE_TRY(write_configuration());  // with which the server is whole
    (void)note.finish();             // or the first start removes it
    return made();
  }

  Made made() const {
    Made made;
    made.configuration = directory_ / "nae-keyserver.toml";
    made.admin_profile = directory_ / "admin" / "cli.toml";
    made.address = address();
    made.server_id = server_id_;
    made.custody_file = directory_ / kCustodyFile;
    for (const custody::Card& card : cards_) made.holders.push_back(card.holder);
    made.k = choices_.custody.k;
    if (choices_.custody.cards.empty()) made.software_card = directory_ / kSoftwareCardDirectory;
    made.taken_back = taken_back_;
    return made;
  }

  bool embedded() const { return choices_.pin_file.empty(); }
  std::string address() const { return address_of(choices_.host); }

  // SoftHSM's token of somebody else is found by a variable that the service will not have.
  std::string softhsm_configuration() const {
    if (embedded()) return "softhsm_configuration = 'hsm/softhsm2.conf'\n";
    const char* file = std::getenv("SOFTHSM2_CONF");
    if (file == nullptr || *file == '\0') return "";
    return "softhsm_configuration = " + quoted_path(std::filesystem::absolute(file)) + "\n";
  }

  // The host that clients call: all addresses of a machine are none to call it by.
  std::string called_host() const {
    if (choices_.host != "0.0.0.0" && choices_.host != "::") return choices_.host;
    if (!choices_.names.empty()) return choices_.names.front();
    return choices_.host == "::" ? "::1" : "127.0.0.1";
  }

  std::string address_of(const std::string& host) const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port_);
  }

  Result<void> claim_directory() {
    std::error_code error;
    directory_ = std::filesystem::absolute(choices_.directory);
    NAE_ASSIGN(Claim claim, Claim::take(directory_));
    claim_.emplace(std::move(claim));
    if (!embedded()) {
      NAE_ASSIGN(Claim token, Claim::take_token(choices_.pin_file));
      token_claim_.emplace(std::move(token));
    }
    NAE_ASSIGN(const auto left, find_left_behind(directory_));
    if (left) {
      hsm::Options token;
      token.module = choices_.module;
      token.module_parameters = choices_.module_parameters;
      token.token_label = choices_.token_label;
      token.pin_file = choices_.pin_file;
      NAE_TRY(take_back(directory_, *left, token));
      taken_back_ = name(left->step);
    }
    if (std::filesystem::exists(directory_, error) && !std::filesystem::is_empty(directory_, error))
      return fail(Code::already_initialised, directory_.string() + " is not empty");
    return {};
  }

  Result<void> provision_hsm(Unfinished& note) {
    hsm::Provision provision;
    provision.group = group_;
    provision.about_to_make = [&] {
      keys_begun_ = true;
      return note.reached(Step::keys);
    };
    provision.hsm.module = choices_.module;
    provision.hsm.module_parameters = choices_.module_parameters;
    provision.hsm.token_label = choices_.token_label;
    provision.hsm.pin_file = choices_.pin_file;
    if (embedded()) {
      const Path hsm = directory_ / "hsm";
      NAE_TRY(make_directory(hsm / "tokens"));
      NAE_TRY(write(hsm / "softhsm2.conf",
                    "directories.tokendir = " + (hsm / "tokens").string() +
                        "\nobjectstore.backend = file\nlog.level = ERROR\n",
                    S_IRUSR | S_IWUSR));
      for (const char* pin : {"pin", "so-pin"})
        NAE_TRY(write_drawn_text(hsm / pin).map([](const crypto::SecretBytes&) {}));
      use_softhsm_configuration(hsm / "softhsm2.conf");
      provision.hsm.pin_file = hsm / "pin";
      provision.so_pin_file = hsm / "so-pin";
    }
    hsm_options_ = provision.hsm;
    NAE_ASSIGN(hsm::Provisioned provisioned, hsm::initialise(provision));
    wrapped_ = std::move(provisioned.group);
    so_pin_file_ = provisioned.token_created ? provision.so_pin_file : std::nullopt;
    NAE_ASSIGN(hsm_, hsm::Pkcs11Hsm::open(provision.hsm));
    return {};
  }

  Result<void> issue_certificates() {
    const std::int64_t now_s = unix_time_us() / 1'000'000;
    const Path tls = directory_ / "tls", admin = directory_ / "admin";
    NAE_ASSIGN(authority_, make_authority(*hsm_, server_id_, now_s));
    NAE_TRY(write(tls / "authority.pem", authority_, 0644));
    NAE_TRY(write(admin / "authority.pem", authority_, 0644));

    std::vector<std::string> names = choices_.names;
    for (const std::string& name : {std::string("localhost"), called_host()})
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    NAE_ASSIGN(crypto::KeyPair server, crypto::generate_p256());
    NAE_ASSIGN(std::string server_pem, issue_server(*hsm_, authority_, names, server.spki, now_s));
    NAE_TRY(write(tls / "server.pem", server_pem, 0644));
    NAE_TRY(write_new_file(tls / "server.key", server.private_key_pem, S_IRUSR | S_IWUSR));

    NAE_ASSIGN(crypto::KeyPair first, crypto::generate_p256());
    NAE_ASSIGN(admin_,
               issue_client(*hsm_, authority_, choices_.admin, "nae://admin/" + choices_.admin,
                            first.spki, now_s, kCertificateDays));
    NAE_TRY(write(admin / "admin.pem", admin_, 0644));
    return write_new_file(admin / "admin.key", first.private_key_pem, S_IRUSR | S_IWUSR);
  }

  Result<void> create_store() {
    NAE_ASSIGN(auto store, store::sqlite::Store::create(directory_ / "keys.db"));
    NAE_TRY(store->set_meta("server_id", server_id_));
    NAE_TRY(bind_to_token(*store, *hsm_));
    NAE_ASSIGN(crypto::CertificateInfo info, crypto::read_certificate(admin_));
    store::Admin first;
    first.name = choices_.admin;
    first.roles = {"auditor", "key-admin", "operator", "policy-admin"};
    first.created_at_us = unix_time_us();
    first.key_sha256 = to_hex(crypto::sha256(info.spki));
    first.certificates = {
        {info.fingerprint, info.serial, first.created_at_us, info.not_after_s * 1'000'000}};
    NAE_TRY(store->insert_admin(first));
    return begin_ledger(*store, *hsm_).map([](const BegunLedger&) {});
  }

  // All at once, and late: what is taken back after a failure is below the directory.
  Result<void> move_into_postgresql() {
    NAE_TRY(move_store(directory_ / "keys.db", *target_, choices_.node));
    std::error_code error;
    for (const char* file : {"keys.db", "keys.db-wal", "keys.db-shm"})
      std::filesystem::remove(directory_ / file, error);
    return {};
  }

  // Of a group agents are told where they reach it.
  std::string advertise_line() const {
    if (!target_ || !is_every_interface(choices_.host)) return "";
    return "advertise = " + basic_string(address_of(called_host())) + "\n";
  }

  std::string store_section() const {
    if (!target_) return "\n[store]\npath = 'keys.db'\n";
    return "\n[store]\nurl = " + basic_string(choices_.store_url) +
           "\nnode = " + basic_string(choices_.node) + "\n";
  }

  Result<void> give_into_custody() {
    if (cards_.empty()) {
      NAE_TRY(make_directory(directory_ / kSoftwareCardDirectory));
      NAE_ASSIGN(custody::Card card,
                 setup::make_software_card(directory_ / kSoftwareCardDirectory));
      cards_.push_back(std::move(card));
    }
    std::optional<pkcs11::Pin> so_pin;
    if (so_pin_file_) {
      NAE_ASSIGN(so_pin, pkcs11::read_pin(*so_pin_file_));
    }
    NAE_ASSIGN(
        const Bytes file,
        make_custody_file(*hsm_, wrapped_, so_pin ? &so_pin->value : nullptr, choices_.custody.k,
                          cards_, static_cast<std::uint64_t>(unix_time_us() / 1'000'000)));
    wrapped_.secret = crypto::SecretBytes();  // nobody keeps it
    return write_new_file(directory_ / kCustodyFile, file, S_IRUSR | S_IWUSR);
  }

  Result<void> write_audit_key() {
    NAE_ASSIGN(Bytes spki, hsm_->public_key_of(keys::ServerKey::audit));
    NAE_ASSIGN(auto key, crypto::PublicKey::from_der(spki));
    return write(directory_ / "audit" / audit::kPublicKeyFile, key.pem(), 0644);
  }

  Result<void> write_configuration() {
    std::string text =
        "# Made by nae-keyserver init. Relative paths start at this file's directory;\n"
        "# nae-keyserver.toml(5) explains every field.\n"
        "[server]\nlisten = \"" +
        address() + "\"\n" + advertise_line() +
        "\n"
        "[tls]\ncertificate = 'tls/server.pem'\nkey = 'tls/server.key'\n"
        "client_authority = 'tls/authority.pem'\n\n"
        "[hsm]\nmodule = " +
        quoted_path(std::filesystem::absolute(choices_.module)) + "\n" +
        (choices_.module_parameters.empty()
             ? ""
             : "module_parameters = " + basic_string(choices_.module_parameters) + "\n") +
        "token_label = " + basic_string(choices_.token_label) +
        "\n"
        "pin_file = " +
        quoted_path(embedded() ? Path("hsm/pin") : std::filesystem::absolute(choices_.pin_file)) +
        "\n" + softhsm_configuration() + store_section() + "\n[audit]\ndirectory = 'audit'\n";
    NAE_TRY(write(directory_ / "admin" / "cli.toml",
                  "server = \"https://" + address_of(called_host()) +
                      "\"\ncertificate = 'admin.pem'\nkey = 'admin.key'\n"
                      "authority = 'authority.pem'\n",
                  S_IRUSR | S_IWUSR));
    return write(directory_ / "nae-keyserver.toml", text, S_IRUSR | S_IWUSR);
  }

  const Choices& choices_;
  Path directory_;
  std::optional<Claim> claim_, token_claim_;
  std::optional<Unfinished> note_;
  std::uint16_t port_ = 0;
  std::optional<store::postgresql::Target> target_;
  std::string server_id_;
  std::string authority_;
  std::string admin_;  // certificate of the first administrator
  custody::GroupId group_{};
  std::vector<custody::Card> cards_;
  hsm::WrappedGroup wrapped_;
  std::optional<Path> so_pin_file_;
  std::string taken_back_;
  hsm::Options hsm_options_;
  bool keys_begun_ = false, last_step_ = false;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm_;
};

}  // namespace

Result<Made> initialise(const Choices& choices) {
  return Initialisation(choices).run();
}

bool set_listen(const std::string& listen, Choices& choices) {
  std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  choices.host = listen.substr(0, colon);
  if (choices.host.front() == '[' && choices.host.back() == ']')
    choices.host = choices.host.substr(1, choices.host.size() - 2);
  const std::string port = listen.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos)
    return false;
  int number = std::stoi(port);
  choices.port = static_cast<std::uint16_t>(number);
  return number <= UINT16_MAX;
}

Result<void> choose_custody(const std::string& quorum, const std::vector<std::string>& cards,
                            const std::vector<std::string>& sha1_cards, CustodyChoice& choice) {
  using custody::Sealing;
  for (const std::string& card : cards) choice.cards.push_back({card, Sealing::rsa_oaep_sha256});
  for (const std::string& card : sha1_cards) choice.cards.push_back({card, Sealing::rsa_oaep_sha1});
  if (quorum.empty() && choice.cards.empty()) return {};
  NAE_ASSIGN(const custody::Quorum wanted, parse_quorum(quorum));
  choice.k = wanted.k;
  if (choice.cards.size() == wanted.n) return {};
  return fail(Code::invalid_argument,
              "--custody " + quorum + " with " + std::to_string(choice.cards.size()) + " cards",
              "One --card, or --sha1-card, for each of the N cards.");
}

void use_softhsm_configuration(const Path& file) {
  ::setenv("SOFTHSM2_CONF", file.c_str(), 1);
}

}  // namespace nae::setup
