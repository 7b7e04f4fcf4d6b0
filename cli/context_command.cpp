// nae context: which key server, and as whom, by a name.
#include "cli/context_command.hpp"

#include <cstdlib>
#include <ostream>

#include "cli/context.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

struct ContextOptions {
  std::string name;
};

Contexts contexts() {
  return Contexts(configuration_directory());
}

Outcome<ExitCode> list_contexts(Call& call, const NoOptions&) {
  NAE_ASSIGN(const std::string used, contexts().in_use());
  json::array answer;
  Table table({"", "NAME", "SERVER", "CERTIFICATE"});
  for (const std::string& name : contexts().names()) {
    NAE_ASSIGN(const std::filesystem::path file, contexts().profile_of(name));
    // One that cannot be read is listed all the same: it can be removed.
    auto profile = read_profile(file);
    const std::string server = profile ? profile->server : "(" + profile.error().message + ")";
    const std::string certificate = profile ? profile->certificate.string() : "";
    answer.push_back(json::object{{"name", name},
                                  {"in_use", name == used},
                                  {"profile", file.string()},
                                  {"server", profile ? json::value(server) : json::value()}});
    table.add({name == used ? "*" : "", name, printable(server), printable(certificate)});
  }
  call.show(json::object{{"contexts", std::move(answer)}}, [&] {
    if (table.empty())
      call.out << "No context is there: nae --config FILE context add NAME\n";
    else
      call.print(table, {"CERTIFICATE"});
  });
  return kOk;
}

// What is given for one command wins, so that it is said when it is given for all.
void warn_of_what_wins(Call& call) {
  for (const char* name : {"NAE_CONFIG", "NAE_CONTEXT"})
    if (const char* value = std::getenv(name); value && *value)
      call.err << "nae: " << name << " is set and wins over the context in use: unset " << name
               << '\n';
}

Outcome<ExitCode> use(Call& call, const ContextOptions& options) {
  NAE_TRY(contexts().use(options.name));
  call.show(json::object{{"context", options.name}},
            [&] { call.out << "Context " << options.name << " is in use.\n"; });
  warn_of_what_wins(call);
  return kOk;
}

Outcome<ExitCode> add(Call& call, const ContextOptions& options) {
  NAE_ASSIGN(const Profile profile, resolve_profile(call.profile));
  NAE_TRY(contexts().add(options.name, profile));
  call.show(json::object{{"context", options.name}, {"server", profile.server}}, [&] {
    call.out << "Context " << options.name << ": " << printable(profile.server)
             << ". nae context use " << options.name << '\n';
  });
  return kOk;
}

Outcome<ExitCode> remove(Call& call, const ContextOptions& options) {
  NAE_TRY(contexts().remove(options.name));
  call.show(json::object{{"context", options.name}}, [&] {
    call.out << "Context " << options.name
             << " is gone; certificate and key stay where they are.\n";
  });
  return kOk;
}

Outcome<ExitCode> show(Call& call, const NoOptions&) {
  NAE_ASSIGN(const ProfileSource source, profile_source(call.profile.config));
  NAE_ASSIGN(const Profile profile, resolve_profile(call.profile));
  const json::object answer{
      {"profile", source.file.string()}, {"named_by", source.named_by},
      {"server", profile.server},        {"certificate", profile.certificate.string()},
      {"key", profile.key.string()},     {"authority", profile.authority.string()}};
  call.show(answer, [&] {
    call.out << "profile      " << printable(source.file.string()) << ", " << source.named_by
             << '\n'
             << "server       " << printable(profile.server) << '\n'
             << "certificate  " << printable(profile.certificate.string()) << '\n'
             << "key          " << printable(profile.key.string()) << '\n'
             << "authority    " << printable(profile.authority.string()) << '\n';
  });
  return kOk;
}

void add_named(CLI::App& context, Action& chosen, const char* name, const char* description,
               Outcome<ExitCode> (*run)(Call&, const ContextOptions&)) {
  auto [leaf, options] = add_leaf<ContextOptions>(context, name, description, chosen, run);
  leaf->add_option("NAME", options->name, "Name of the context")->required();
  leaf->fallthrough();
}

}  // namespace

void add_context(CLI::App& app, Action& chosen) {
  CLI::App* context = app.add_subcommand("context", "Profiles by name: which key server, as whom");
  context->require_subcommand(1)->fallthrough()->footer(
      "Asks no key server. A context names certificate and key where they are.\n\n"
      "Examples:\n"
      "  nae --config ./prod/cli.toml context add prod\n"
      "  nae context use prod\n"
      "  nae --context test key list");
  add_leaf<NoOptions>(*context, "list", "List contexts; * is in use", chosen, list_contexts)
      .first->fallthrough();
  add_leaf<NoOptions>(*context, "show", "What a command would use now, and why", chosen, show)
      .first->fallthrough();
  add_named(*context, chosen, "use", "Use it when nothing else is named", use);
  add_named(*context, chosen, "add", "Keep the connection of this call under a name", add);
  add_named(*context, chosen, "remove", "Forget it", remove);
}

}  // namespace nae::cli
