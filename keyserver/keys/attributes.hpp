// What administrators say of a key beside its name and type: whose it is, what it is for, what it
// may do at most and when it is rotated. docs/spec/keys.md, "Attributes".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/result.hpp"

namespace nae::keys {

// Where the secret of a key may be: fixed when the key is made. Values stand in the store.
enum class Protection : std::uint8_t {
  wrapped = 1,   // in the store, wrapped under the group key
  hsm_only = 2,  // never outside the HSM; every use is a call of the module
};
std::string_view name(Protection protection);  // "hsm-only"
std::optional<Protection> protection_from_name(std::string_view name);
std::optional<Protection> protection_from_number(std::int64_t number);

// Of a key for which none is named.
Protection usual_protection(KeyType type);

// Texts of attributes are shown by every listing and filtered by: short ones.
inline constexpr std::size_t kMaxOwnerBytes = 128;
inline constexpr std::size_t kMaxDescriptionBytes = 1024;
inline constexpr std::size_t kMaxLabels = 32;
inline constexpr std::size_t kMaxLabelNameBytes = 64;
inline constexpr std::size_t kMaxLabelValueBytes = 256;
inline constexpr std::uint32_t kMaxRotateAfterDays = 36'500;
inline constexpr std::int64_t kMaxRotateAfterUses = std::int64_t{1} << 53;  // exact in JSON

struct Attributes {
  std::string owner = {};
  std::string description = {};
  std::map<std::string, std::string, std::less<>> labels = {};
  std::vector<Action> actions = {};              // the only ones allowed; empty: all of the type
  std::vector<SignatureScheme> algorithms = {};  // the only ones allowed; empty: all that fit
  // The only ones allowed of a key that decrypts by a scheme; empty: OAEP. PKCS #1 v1.5 has to be
  // named: whoever decrypts by it with a key of OAEP can be made to open OAEP's ciphertexts.
  std::vector<DecryptionScheme> decryptions = {};
  // The only ones allowed of a key of AES by modes; empty: those that notice a change.
  std::vector<CipherMode> modes = {};
  std::uint32_t rotate_after_days = 0;  // 0: never
  std::int64_t rotate_after_uses = 0;   // 0: never

  bool allows(Action action) const;
  bool allows(SignatureScheme scheme) const;
  bool allows(DecryptionScheme scheme) const;
  bool allows(CipherMode mode) const;
  friend bool operator==(const Attributes&, const Attributes&) = default;
};

// Code::invalid_argument for what is too long, is no text, or does not fit keys of `type`.
Result<void> check(const Attributes& attributes, KeyType type);

}  // namespace nae::keys
