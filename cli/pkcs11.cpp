// nae pkcs11 init-file
#include <algorithm>
#include <iterator>
#include <ostream>

#include "cli/command.hpp"
#include "libnae/base/file.hpp"

namespace nae::cli {
namespace {

#if defined(__aarch64__)
constexpr char kModule[] = "/usr/lib/aarch64-linux-gnu/pkcs11/libnae-pkcs11.so";
constexpr char kEngine[] = "/usr/lib/aarch64-linux-gnu/engines-3/pkcs11.so";
#else
constexpr char kModule[] = "/usr/lib/x86_64-linux-gnu/pkcs11/libnae-pkcs11.so";
constexpr char kEngine[] = "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so";
#endif
constexpr std::size_t kMaxSocketBytes = 107, kMaxTokenBytes = 32;  // as the module takes them
constexpr unsigned kInitFileMode = 0644;

struct InitFileOptions {
  std::string form = "p11-kit", module = kModule, engine = kEngine, socket, token, out;
  std::vector<std::string> programs;
};

// What ends a line or a word of these files would begin another setting.
bool is_word(const std::string& text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; }) &&
         text.find_first_of("\"'\\#$,") == std::string::npos;
}

Result<void> check_init_file(const InitFileOptions& options) {
  for (const std::string* path : {&options.module, &options.engine, &options.socket})
    if (!path->empty() && (!path->starts_with('/') || !is_word(*path)))
      return fail(Code::invalid_argument, "not an absolute path without blanks: " + *path);
  if (options.socket.size() > kMaxSocketBytes)
    return fail(Code::invalid_argument, "the socket's path has more than 107 bytes");
  if (options.token.size() > kMaxTokenBytes || !is_word(options.token))
    return fail(Code::invalid_argument, "the token's label has blanks or more than 32 bytes");
  for (const std::string& program : options.programs)
    if (program.empty() || !is_word(program) || program.find('/') != std::string::npos)
      return fail(Code::invalid_argument, "a program is named without its folder: " + program);
  if (options.form != "p11-kit" && !options.programs.empty())
    return fail(Code::invalid_argument, "--enable-in is for p11-kit alone");
  return {};
}

// "socket=... token=...", as NAE_PKCS11 has it.
std::string settings_of(const InitFileOptions& options) {
  std::string text;
  if (!options.socket.empty()) text = "socket=" + options.socket;
  if (!options.token.empty()) text += (text.empty() ? "token=" : " token=") + options.token;
  return text;
}

std::string of_p11_kit(const InitFileOptions& options) {
  std::string text = "module: " + options.module + "\n";
  if (const std::string settings = settings_of(options); !settings.empty())
    text += "x-init-reserved: " + settings + "\n";
  std::string programs;
  for (const std::string& program : options.programs)
    programs += (programs.empty() ? "" : ", ") + program;
  return programs.empty() ? text : text + "enable-in: " + programs + "\n";
}

// Engine and SunPKCS11 hand no text to the module: what is not the default goes by NAE_PKCS11.
std::string environment_note(const InitFileOptions& options) {
  const std::string settings = settings_of(options);
  return settings.empty() ? "" : "# The program's environment: NAE_PKCS11=\"" + settings + "\"\n";
}

std::string of_openssl(const InitFileOptions& options) {
  return environment_note(options) +
         "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = nae\n[nae]\n"
         "engine_id = pkcs11\ndynamic_path = " +
         options.engine + "\nMODULE_PATH = " + options.module + "\ninit = 0\n";
}

std::string of_java(const InitFileOptions& options) {
  return environment_note(options) + "name = NAE\nlibrary = " + options.module +
         "\nslotListIndex = 0\n";
}

struct InitFileForm {
  const char* name;
  std::string (*write)(const InitFileOptions&);
};
constexpr InitFileForm kForms[] = {
    {"p11-kit", of_p11_kit}, {"openssl", of_openssl}, {"java", of_java}};

Outcome<ExitCode> init_file(Call& call, const InitFileOptions& options) {
  if (auto checked = check_init_file(options); !checked)
    return tl::unexpected<Failure>(checked.error());
  const auto* form = std::ranges::find(kForms, options.form, &InitFileForm::name);
  const std::string text = form->write(options);
  if (!options.out.empty()) NAE_TRY(write_new_file(options.out, as_bytes(text), kInitFileMode));
  call.show(json::object{{"file", options.out}, {"text", text}}, [&] {
    if (options.out.empty())
      call.out << text;
    else
      call.out << "written: " << printable(options.out) << '\n';
  });
  return kOk;
}

}  // namespace

void add_pkcs11(CLI::App& app, Action& chosen) {
  CLI::App* pkcs11 = app.add_subcommand("pkcs11", "Files for programs that use the PKCS#11 module");
  pkcs11->require_subcommand(1)->fallthrough();
  auto [leaf, options] = add_leaf<InitFileOptions>(
      *pkcs11, "init-file", "Write the file by which a program finds the module", chosen,
      init_file);
  std::vector<std::string> names;
  for (const InitFileForm& form : kForms) names.emplace_back(form.name);
  leaf->add_option("--for", options->form, "p11-kit, openssl (libp11's engine) or java")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  leaf->add_option("--module", options->module, "Where libnae-pkcs11.so is")->capture_default_str();
  leaf->add_option("--engine", options->engine, "Where libp11's engine for OpenSSL is")
      ->capture_default_str();
  leaf->add_option("--socket", options->socket, "The agent's socket; default: the module's own");
  leaf->add_option("--token", options->token, "The token's label; default: the module's own");
  leaf->add_option("--enable-in", options->programs,
                   "Of p11-kit: a program that is to load the module, and no others; repeatable");
  leaf->add_option("--out", options->out, "File to write, which must not exist; default: print it");
  leaf->fallthrough()->footer(
      "Asks no server and needs no profile.\n\n"
      "Examples:\n"
      "  nae pkcs11 init-file --enable-in p11tool --out /etc/pkcs11/modules/nae.module\n"
      "  nae pkcs11 init-file --for openssl --out /etc/nginx/openssl-nae.cnf\n"
      "  nae pkcs11 init-file --for java --out nae.cfg");
}

}  // namespace nae::cli
