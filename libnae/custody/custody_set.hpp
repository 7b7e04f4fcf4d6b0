// custody.nae: a group's keys, wrapped by a custody secret that only k of n cards together give
// back. docs/spec/custody.md. The file is public; parser and writer are bytes in, bytes out.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::custody {

inline constexpr std::size_t kGroupIdBytes = 16;  // CKA_ID of the group's objects
using GroupId = std::array<Byte, kGroupIdBytes>;

// k of n. One card is no sharing: it takes two at least, or is 1 of 1 and says so.
struct Quorum {
  std::size_t k = 1, n = 1;
};
inline constexpr std::size_t kMaxCards = 16;
// Code::invalid_argument, saying what a quorum is.
Result<void> check_quorum(const Quorum& quorum);

// How a card's key seals a share: RSAES-OAEP (RFC 8017 section 7.1), no label, MGF1 of the same
// hash. SHA-1 where a module has no other, as SoftHSM 2.6; OAEP needs no collision resistance.
enum class Sealing : Byte { rsa_oaep_sha256 = 1, rsa_oaep_sha1 = 2 };
HashAlgorithm hash_of(Sealing sealing);
std::string_view name(Sealing sealing);  // "rsa-oaep-sha256"

inline constexpr std::size_t kSaltBytes = 16;
using Salt = std::array<Byte, kSaltBytes>;
inline constexpr std::size_t kMaxHolderBytes = 128;  // is_name()

struct ShareRecord {
  std::string holder;
  Sealing sealing{};
  crypto::Sha256Digest card{};  // of the card's SubjectPublicKeyInfo
  Salt salt{};
  crypto::Sha256Digest commitment{};
  Bytes sealed;  // as long as the card's modulus: 256 to 512 bytes
};

// What is kept in custody, in the order that the file has it. Numbers are those of the file.
enum class Kept : Byte {
  group_key = 1,
  check_key = 2,
  authority = 3,
  audit = 4,
  binding = 5,
  ledger_key = 6,
  so_pin = 7,  // of the token; absent where the token was there before
};
inline constexpr std::size_t kKeptKinds = 7;
// Else it is one secret, and has no public key.
constexpr bool is_pair(Kept kind) {
  return kind == Kept::authority || kind == Kept::audit || kind == Kept::binding;
}

std::string_view name(Kept kind);  // "group-key"

struct KeptKey {
  Kept kind{};
  Bytes public_key;  // SubjectPublicKeyInfo of a pair, else empty
  Bytes wrapped;     // AES-KWP (RFC 5649) under wrapping_key() of its kind
};

struct CustodySet {
  GroupId group{};
  std::uint32_t generation = 1;  // counts new sets of cards for one group key, from 1
  std::uint64_t made_at_s = 0;   // Unix time
  std::size_t k = 1;
  crypto::Sha256Digest check{};     // hsm::group_key_check(): tells one group key from another
  std::vector<KeptKey> kept;        // by kind, each at most once, all but so_pin always
  std::vector<ShareRecord> shares;  // the first is x = 1
  Bytes signature;                  // ECDSA P-256 with SHA-256, DER, by the audit key

  const KeptKey* find(Kept kind) const;
  std::size_t n() const { return shares.size(); }
};

inline constexpr std::size_t kMaxSetBytes = 64u << 10;

// What the audit key signs: the file up to its signature.
Bytes signed_part(const CustodySet& set);
Bytes write_custody_set(const CustodySet& set);
// Code::invalid_argument for everything that write_custody_set() does not write: one set, one file.
Result<CustodySet> parse_custody_set(ByteView file);

// By the audit key that the set itself has. Code::authentication_failed. Whoever knows the group's
// audit key compares that one, too: anybody can sign a set of his own.
Result<void> check_signature(const CustodySet& set);

}  // namespace nae::custody
