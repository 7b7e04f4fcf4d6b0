#include "cli/mistyped.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "cli/nearest.hpp"

namespace nae::cli {
namespace {

// "nae key": how one gets to `app`.
std::string path_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent ? path_of(*parent) + " " + app.get_name() : app.get_name();
}

// Without the program's name, which nobody mistyped.
std::string command_text(const CLI::App& app, const std::string& word) {
  return app.get_parent() ? path_of(app).substr(path_of(app).find(' ') + 1) + " " + word : word;
}

std::string with_guess(const std::string& message, const std::string& guess) {
  return guess.empty() ? message : message + "; did you mean \"" + guess + "\"?";
}

std::string no_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  const std::string guess = nearest(word, names);
  return with_guess("no command \"" + command_text(app, word) + "\"",
                    guess.empty() ? guess : command_text(app, guess));
}

std::string no_option(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return with_guess("no option \"" + word + "\"", nearest(word, names));
}

// Global options may stand after the command.
const CLI::Option* option_of(const CLI::App& app, const std::string& name) {
  for (const CLI::App* at = &app; at; at = at->get_parent())
    if (const CLI::Option* option = at->get_option_no_throw(name)) return option;
  return nullptr;
}

const CLI::App* command_of(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name() == word) return command;
  return nullptr;
}

bool has_commands(const CLI::App& app) {
  return !app.get_subcommands([](const CLI::App*) { return true; }).empty();
}

}  // namespace

Error usage_error(const CLI::App& app, const std::vector<std::string>& arguments,
                  const CLI::ParseError& refusal) {
  const CLI::App* at = &app;
  std::string message = refusal.what();
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& word = arguments[i];
    if (word.size() > 1 && word.front() == '-') {
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      const CLI::Option* option = option_of(*at, name);
      if (!option) {
        message = no_option(*at, name);
        break;
      }
      if (equals == std::string::npos && option->get_items_expected_max() > 0) ++i;
    } else if (has_commands(*at)) {
      const CLI::App* command = command_of(*at, word);
      if (!command) {
        message = no_command(*at, word);
        break;
      }
      at = command;
    }
  }
  if (message == refusal.what() && has_commands(*at) && at->get_subcommands().empty())
    message = "no command is given";
  return {Code::invalid_argument, message, "See '" + path_of(*at) + " --help'."};
}

bool environment_asks_for_json() {
  const char* value = std::getenv("NAE_JSON");
  const std::string_view wish = value ? value : "";
  return !wish.empty() && wish != "0" && wish != "no" && wish != "false";
}

bool asks_for_json(const std::vector<std::string>& arguments) {
  if (environment_asks_for_json()) return true;
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--json") != end;
}

}  // namespace nae::cli
