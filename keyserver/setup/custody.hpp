// The custody of a new group's keys: who gets shares, and the file that they open.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/hsm/group.hpp"
#include "keyserver/keys/hsm.hpp"
#include "libnae/custody/card.hpp"

namespace nae::setup {

// Below the server's directory.
inline constexpr std::string_view kCustodyFile = "custody.nae";
inline constexpr std::string_view kSoftwareCardDirectory = "custody";
inline constexpr std::string_view kSoftwareCardHolder = "software-card";

struct CardFile {
  std::filesystem::path file;  // certificate or public key; its stem is the holder's name
  custody::Sealing sealing = custody::Sealing::rsa_oaep_sha256;
};
struct CustodyChoice {
  std::size_t k = 1;
  std::vector<CardFile> cards;  // empty: a software card, made beside the server
};

// "3/5". Code::invalid_argument for everything that is no quorum.
Result<custody::Quorum> parse_quorum(std::string_view text);

// The cards of the files, in their order. Code::invalid_argument when there are not n of them, or
// what read_card() says.
Result<std::vector<custody::Card>> read_cards(const CustodyChoice& choice);

// An RSA key under a random passphrase, in `directory`: card.pem and passphrase, both for their
// owner alone. docs/guides/custody.md tells what becomes of them.
Result<custody::Card> make_software_card(const std::filesystem::path& directory);

// The whole file: shares for the cards, the SO PIN wrapped where there is one, all signed by the
// audit key in `hsm` and read back. The custody secret in `group` is not used afterwards.
Result<Bytes> make_custody_file(keys::Hsm& hsm, const hsm::WrappedGroup& group,
                                const crypto::SecretBytes* so_pin, std::size_t k,
                                std::span<const custody::Card> cards, std::uint64_t now_s);

}  // namespace nae::setup
