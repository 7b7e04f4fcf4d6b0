#include "keyserver/setup/custody.hpp"

#include <sys/stat.h>

#include <charconv>
#include <span>

#include "keyserver/setup/drawn_text.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/key_wrap.hpp"
#include "libnae/crypto/software_card.hpp"
#include "libnae/custody/custody_secret.hpp"

namespace nae::setup {
namespace {

constexpr std::size_t kMaxCardFileBytes = 64u << 10;
constexpr unsigned kSecretMode = S_IRUSR | S_IWUSR;

// 0 for what is no number, which is no quorum either.
std::size_t number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

Result<custody::Quorum> parse_quorum(std::string_view text) {
  const std::size_t slash = text.find('/');
  custody::Quorum quorum{number(text.substr(0, slash)), 0};
  if (slash != std::string_view::npos) quorum.n = number(text.substr(slash + 1));
  if (quorum.k == 0 || quorum.n == 0)
    return fail(Code::invalid_argument, "a custody is K/N, as in 3/5",
                "K of the N cards that --card names are needed together.");
  NAE_TRY(custody::check_quorum(quorum));
  return quorum;
}

Result<std::vector<custody::Card>> read_cards(const CustodyChoice& choice) {
  std::vector<custody::Card> cards;
  for (const CardFile& card : choice.cards) {
    NAE_ASSIGN(const std::string content, read_file(card.file, kMaxCardFileBytes));
    NAE_ASSIGN(custody::Card read,
               custody::read_card(card.file.stem().string(), card.sealing, as_bytes(content)));
    cards.push_back(std::move(read));
  }
  return cards;
}

Result<custody::Card> make_software_card(const std::filesystem::path& directory) {
  NAE_ASSIGN(const crypto::SecretBytes passphrase, write_drawn_text(directory / "passphrase"));
  NAE_ASSIGN(const crypto::SoftwareCard made, crypto::make_software_card(passphrase));
  NAE_TRY(write_new_file(directory / "card.pem", made.pem, kSecretMode));
  return custody::Card{std::string(kSoftwareCardHolder), custody::Sealing::rsa_oaep_sha256,
                       made.public_key};
}

Result<Bytes> make_custody_file(keys::Hsm& hsm, const hsm::WrappedGroup& group,
                                const crypto::SecretBytes* so_pin, std::size_t k,
                                std::span<const custody::Card> cards, std::uint64_t now_s) {
  custody::CustodySet set;
  set.group = group.group;
  set.generation = group.generation;
  set.made_at_s = now_s;
  set.check = group.check;
  set.kept = group.kept;
  if (so_pin) {
    custody::KeptKey pin{custody::Kept::so_pin, {}, {}};
    const auto by = custody::wrapping_key(group.secret, group.group, group.generation, pin.kind);
    NAE_ASSIGN(pin.wrapped, crypto::wrap_kwp(by, so_pin->expose()));
    set.kept.push_back(std::move(pin));
  }
  NAE_TRY(custody::seal_shares(set, group.secret, k, cards,
                               [&](ByteSpan out) { return hsm.random(out); }));
  NAE_ASSIGN(set.signature, hsm.sign_as(keys::ServerKey::audit, custody::signed_part(set)));
  Bytes file = custody::write_custody_set(set);
  NAE_ASSIGN(const custody::CustodySet again, custody::parse_custody_set(file));
  NAE_TRY(custody::check_signature(again));
  return file;
}

}  // namespace nae::setup
