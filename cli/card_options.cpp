#include "cli/card_options.hpp"

namespace nae::cli {

void add_card_options(CLI::App& leaf, CardOptions& options) {
  leaf.add_option("--software-card", options.software_card, "The card, as a file");
  leaf.add_option("--passphrase-file", options.passphrase_file, "Its passphrase");
  leaf.add_option("--card-module", options.module, "PKCS#11 library that reaches the card");
  leaf.add_option("--card-token", options.token, "Label of the card's token");
  leaf.add_option("--card-pin-file", options.pin_file, "Its PIN");
}

Result<std::unique_ptr<custody::CardReader>> open_card(const CardOptions& options) {
  const bool software = !options.software_card.empty() && !options.passphrase_file.empty();
  const bool token = !options.module.empty() && !options.token.empty() && !options.pin_file.empty();
  const bool any_software = !options.software_card.empty() || !options.passphrase_file.empty();
  const bool any_token =
      !options.module.empty() || !options.token.empty() || !options.pin_file.empty();
  if (any_software == any_token || software != any_software || token != any_token)
    return fail(Code::invalid_argument, "one card is named, with all that it takes",
                "--software-card and --passphrase-file; or --card-module, --card-token and "
                "--card-pin-file.");
  if (software)
    return custody::CardReader::open(
        custody::SoftwareCardFiles{options.software_card, options.passphrase_file});
  return custody::CardReader::open(
      custody::TokenCard{options.module, options.token, options.pin_file});
}

}  // namespace nae::cli
