#include "libnae/custody/custody_set.hpp"

#include <algorithm>
#include <set>

#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::custody {
namespace {

constexpr std::string_view kMagic = "NAE custody\n";
constexpr Byte kVersion = 1;
constexpr std::size_t kMinSealedBytes = 256, kMaxSealedBytes = 512;  // RSA-2048 to RSA-4096
constexpr std::size_t kMaxWrappedBytes = 512;    // a P-256 key in PKCS#8 takes about 150
constexpr std::size_t kMaxPublicKeyBytes = 128;  // of P-256: 91
constexpr std::size_t kMaxSignatureBytes = 72;

template <std::size_t N>
bool read(ByteReader& in, std::array<Byte, N>& out) {
  const ByteView bytes = in.raw(N);
  if (bytes.size() != N) return false;
  std::ranges::copy(bytes, out.begin());
  return true;
}
Bytes owned(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

void write(ByteWriter& out, const KeptKey& key) {
  out.u8(static_cast<Byte>(key.kind));
  out.text(as_text(key.public_key));
  out.text(as_text(key.wrapped));
}
void write(ByteWriter& out, const ShareRecord& share) {
  out.text(share.holder);
  out.u8(static_cast<Byte>(share.sealing));
  out.raw(share.card);
  out.raw(share.salt);
  out.raw(share.commitment);
  out.text(as_text(share.sealed));
}

// False for what no writer writes.
bool read(ByteReader& in, KeptKey& key) {
  key.kind = static_cast<Kept>(in.u8());
  key.public_key = owned(as_bytes(in.text()));
  key.wrapped = owned(as_bytes(in.text()));
  return in.ok() && key.kind >= Kept::group_key && key.kind <= Kept::so_pin &&
         is_pair(key.kind) != key.public_key.empty() &&
         key.public_key.size() <= kMaxPublicKeyBytes && key.wrapped.size() >= 16 &&
         key.wrapped.size() <= kMaxWrappedBytes && key.wrapped.size() % 8 == 0;  // RFC 5649
}
bool read(ByteReader& in, ShareRecord& share) {
  share.holder = in.text();
  share.sealing = static_cast<Sealing>(in.u8());
  const bool fixed = read(in, share.card) && read(in, share.salt) && read(in, share.commitment);
  share.sealed = owned(as_bytes(in.text()));
  return fixed && in.ok() && is_name(share.holder) && share.holder.size() <= kMaxHolderBytes &&
         (share.sealing == Sealing::rsa_oaep_sha256 || share.sealing == Sealing::rsa_oaep_sha1) &&
         share.sealed.size() >= kMinSealedBytes && share.sealed.size() <= kMaxSealedBytes;
}

bool every_kind_once(const std::vector<KeptKey>& kept) {
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (static_cast<std::size_t>(kept[i].kind) != i + 1) return false;
  return kept.size() == kKeptKinds || kept.size() == kKeptKinds - 1;
}
// A card that holds two shares would be two of k.
bool all_different(const std::vector<ShareRecord>& shares) {
  std::set<std::string_view> holders;
  std::set<crypto::Sha256Digest> cards;
  for (const ShareRecord& share : shares)
    if (!holders.insert(share.holder).second || !cards.insert(share.card).second) return false;
  return true;
}

tl::unexpected<Error> malformed(const char* what) {
  return fail(Code::invalid_argument, std::string("this is no custody file: ") + what,
              "Take custody.nae from a backup.");
}

}  // namespace

Result<void> check_quorum(const Quorum& quorum) {
  const auto [k, n] = quorum;
  if ((k == 1 && n == 1) || (k >= 2 && k <= n && n <= kMaxCards)) return {};
  return fail(Code::invalid_argument,
              "custody of " + std::to_string(k) + " of " + std::to_string(n) + " cards is none",
              "k of n is 2/2 to " + std::to_string(kMaxCards) + "/" + std::to_string(kMaxCards) +
                  ", 2 <= k <= n; or 1/1.");
}

HashAlgorithm hash_of(Sealing sealing) {
  return sealing == Sealing::rsa_oaep_sha1 ? HashAlgorithm::sha1 : HashAlgorithm::sha256;
}

std::string_view name(Sealing sealing) {
  return sealing == Sealing::rsa_oaep_sha1 ? "rsa-oaep-sha1" : "rsa-oaep-sha256";
}

std::string_view name(Kept kind) {
  switch (kind) {
    case Kept::group_key:
      return "group-key";
    case Kept::check_key:
      return "check-key";
    case Kept::authority:
      return "authority";
    case Kept::audit:
      return "audit-key";
    case Kept::binding:
      return "binding-key";
    case Kept::ledger_key:
      return "ledger-key";
    case Kept::so_pin:
      return "so-pin";
  }
  return "";
}

const KeptKey* CustodySet::find(Kept kind) const {
  const auto found = std::ranges::find(kept, kind, &KeptKey::kind);
  return found == kept.end() ? nullptr : &*found;
}

Bytes signed_part(const CustodySet& set) {
  Bytes file;
  ByteWriter out(file);
  out.raw(as_bytes(kMagic));
  out.u8(kVersion);
  out.raw(set.group);
  out.u32(set.generation);
  out.u64(set.made_at_s);
  out.u8(static_cast<Byte>(set.k));
  out.u8(static_cast<Byte>(set.n()));
  out.raw(set.check);
  out.u8(static_cast<Byte>(set.kept.size()));
  for (const KeptKey& key : set.kept) write(out, key);
  for (const ShareRecord& share : set.shares) write(out, share);
  return file;
}

Bytes write_custody_set(const CustodySet& set) {
  Bytes file = signed_part(set);
  ByteWriter(file).text(as_text(set.signature));
  return file;
}

Result<CustodySet> parse_custody_set(ByteView file) {
  if (file.size() > kMaxSetBytes) return malformed("it is too long");
  ByteReader in(file);
  if (as_text(in.raw(kMagic.size())) != kMagic) return malformed("it begins otherwise");
  if (const Byte version = in.u8(); in.ok() && version != kVersion)
    return fail(Code::unsupported_version,
                "this custody file is of version " + std::to_string(version),
                "Use the nae-keyserver that wrote it, or a newer one.");
  CustodySet set;
  const bool group = read(in, set.group);
  set.generation = in.u32();
  set.made_at_s = in.u64();
  set.k = in.u8();
  const std::size_t n = in.u8();
  if (!group || !in.ok()) return malformed("it is cut off");
  if (set.generation == 0) return malformed("generations are counted from 1");
  NAE_TRY(check_quorum({set.k, n}));
  if (!read(in, set.check)) return malformed("it is cut off");
  const std::size_t kept = in.u8();
  if (kept > kKeptKinds) return malformed("it keeps too much");
  set.kept.resize(kept);
  for (KeptKey& key : set.kept)
    if (!read(in, key)) return malformed("a wrapped key is malformed");
  if (!every_kind_once(set.kept)) return malformed("a key is missing or out of its place");
  set.shares.resize(n);
  for (ShareRecord& share : set.shares)
    if (!read(in, share)) return malformed("a share is malformed");
  if (!all_different(set.shares)) return malformed("two shares have one holder or one card");
  set.signature = owned(as_bytes(in.text()));
  if (!in.complete() || set.signature.empty() || set.signature.size() > kMaxSignatureBytes)
    return malformed("it ends otherwise");
  return set;
}

Result<void> check_signature(const CustodySet& set) {
  const auto refused = [] {
    return fail(Code::authentication_failed, "the signature of the custody file is wrong",
                "The file was changed: take custody.nae from a backup.");
  };
  const KeptKey* audit = set.find(Kept::audit);
  if (!audit) return refused();
  const auto key = crypto::PublicKey::from_der(audit->public_key);
  if (!key || key->type() != KeyType::ecdsa_p256) return refused();
  const auto good =
      key->verify(SignatureScheme::ecdsa_p256_sha256, signed_part(set), set.signature);
  if (!good || !*good) return refused();
  return {};
}

}  // namespace nae::custody
