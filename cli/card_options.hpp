// The custodian's card that a command asks for, in software or behind a PKCS#11 module.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "libnae/custody/card_reader.hpp"

namespace nae::cli {

struct CardOptions {
  std::string software_card, passphrase_file;
  std::string module, token, pin_file;
};

void add_card_options(CLI::App& leaf, CardOptions& options);

// Code::invalid_argument unless exactly one card is named, with all that it takes; else what
// custody::CardReader::open() says. The process's SecureHeap must be there.
Result<std::unique_ptr<custody::CardReader>> open_card(const CardOptions& options);

}  // namespace nae::cli
