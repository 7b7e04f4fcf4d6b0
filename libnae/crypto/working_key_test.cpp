#include "libnae/crypto/working_key.hpp"

#include <gtest/gtest.h>

#include "libnae/base/text.hpp"
#include "libnae/crypto/kdf.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/envelope/column_value.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

using vectors::Vector;

KeyVersionId id_of(const Vector& v) {
  KeyVersionId id;
  std::ranges::copy(v.bytes("key_id"), id.key.bytes.begin());
  id.version = static_cast<std::uint16_t>(v.number("version"));
  return id;
}
Salt salt_of(const Vector& v) {
  Salt salt;
  std::ranges::copy(v.bytes("salt"), salt.begin());
  return salt;
}
std::uint32_t counter_of(const Vector& v) {
  return static_cast<std::uint32_t>(v.number("counter"));
}

const GcmProvider& provider() {
  static const auto kProvider = fastest_gcm();
  return *kProvider;
}
GcmWorkingKey gcm_key(const Vector& v) {
  return {provider(), id_of(v), GcmSalt{Format::aes_256_gcm, salt_of(v)},
          secret_of(v.bytes("working_key"))};
}
GcmWorkingKey lease_key(const Vector& v) {
  return {provider(), id_of(v), GcmSalt{Format::aes_256_gcm_lease, salt_of(v)},
          secret_of(v.bytes("working_key"))};
}
Lease lease_of(const Vector& v) {
  Lease lease;
  std::ranges::copy(v.bytes("lease"), lease.begin());
  return lease;
}
SivWorkingKey siv_key(const Vector& v) {
  return {id_of(v), secret_of(v.bytes("working_key"))};
}

Result<Bytes> open(const GcmWorkingKey& key, ByteView envelope, ByteView aad) {
  NAE_ASSIGN(EnvelopeView view, parse_envelope(envelope));
  Bytes out(view.ciphertext.size(), 0xee);
  auto result = open_gcm(key, view, aad, out);
  bool forged = !result && result.error().code == Code::authentication_failed;
  EXPECT_TRUE(!forged || out == Bytes(out.size(), 0));
  NAE_TRY(result);
  return out;
}
Result<Bytes> open(const SivWorkingKey& key, ByteView envelope, ByteView aad) {
  NAE_ASSIGN(EnvelopeView view, parse_envelope(envelope));
  Bytes out(view.ciphertext.size(), 0xee);
  NAE_TRY(open_siv(key, view, aad, out));
  return out;
}

TEST(Kdf, SeparatesWhatTheHsmComputesDirectly) {
  for (const Vector& v : vectors::read("blind_index.txt", "hsm-blind-index-code"))
    EXPECT_EQ(separated_input(kBlindIndexCodePurpose, id_of(v), v.bytes("input")),
              v.bytes("hmac_input"));
  for (const Vector& v : vectors::read("envelope.txt", "hsm-mac"))
    EXPECT_EQ(separated_input(kMacPurpose, id_of(v), v.bytes("data")), v.bytes("input"));
  for (const Vector& v : vectors::read("envelope.txt", "hsm-blind-index"))
    EXPECT_EQ(separated_input(kBlindIndexPurpose, id_of(v), v.bytes("data")), v.bytes("input"));
}

TEST(Kdf, MatchesVectorsBlockByBlock) {
  for (const Vector& v : vectors::read("envelope.txt", "kdf")) {
    std::string label(as_text(v.bytes("label")));
    KeyPurpose purpose{label, static_cast<std::uint32_t>(v.number("key_bytes"))};
    int block = 0;
    HmacSha256 hsm(secret_of(v.bytes("key")));
    auto key =
        derive_working_key(purpose, id_of(v), salt_of(v),
                           [&](ByteView input, std::span<Byte, kSha256Bytes> out) -> Result<void> {
                             EXPECT_EQ(to_hex(input), v.value("input_" + std::to_string(++block)))
                                 << "line " << v.line;
                             hsm.compute(input, out);
                             return {};
                           });
    ASSERT_TRUE(key);
    EXPECT_EQ(to_hex(key->expose()), v.value("working_key")) << "line " << v.line;
    EXPECT_EQ(block * kSha256Bytes, purpose.key_bytes);
  }
}

TEST(Kdf, LabelsAndSizesAreThoseOfTheVectors) {
  auto all = vectors::read("envelope.txt", "kdf");
  const KeyPurpose purposes[] = {kGcmPurpose, kSivPurpose, kMacPurpose, kBlindIndexPurpose};
  for (std::size_t i = 0; i < std::size(purposes); ++i) {
    EXPECT_EQ(as_text(all[i].bytes("label")), purposes[i].label);
    EXPECT_EQ(all[i].number("key_bytes"), purposes[i].key_bytes);
  }
}

TEST(Kdf, PassesTheHsmsFailureOn) {
  auto key = derive_working_key(kSivPurpose, {}, kNoSalt, [](ByteView, auto) -> Result<void> {
    return fail(Code::hsm_unavailable, "gone");
  });
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Code::hsm_unavailable);
}

TEST(GcmEnvelope, MatchesVectors) {
  for (const Vector& v : vectors::read("envelope.txt", "gcm")) {
    GcmWorkingKey key = gcm_key(v);
    Bytes plaintext = v.bytes("plaintext"), out(plaintext.size() + kGcmOverheadBytes);
    seal_gcm(key, {{}, counter_of(v)}, v.bytes("aad"), plaintext, out);
    EXPECT_EQ(to_hex(out), v.value("envelope")) << "line " << v.line;
    auto opened = open(key, v.bytes("envelope"), v.bytes("aad"));
    ASSERT_TRUE(opened) << "line " << v.line;
    EXPECT_EQ(*opened, plaintext) << "line " << v.line;
  }
}

TEST(LeaseEnvelope, MatchesVectorsFromTheKeyVersionOn) {
  for (const Vector& v : vectors::read("envelope.txt", "gcm-lease")) {
    HmacSha256 hsm(secret_of(v.bytes("key")));
    auto secret =
        derive_working_key(gcm_purpose(Format::aes_256_gcm_lease), id_of(v), salt_of(v),
                           [&](ByteView input, std::span<Byte, kSha256Bytes> out) -> Result<void> {
                             EXPECT_EQ(to_hex(input), v.value("input_1")) << "line " << v.line;
                             hsm.compute(input, out);
                             return {};
                           });
    ASSERT_TRUE(secret);
    EXPECT_EQ(to_hex(secret->expose()), v.value("working_key")) << "line " << v.line;
    GcmWorkingKey key = lease_key(v);
    Bytes plaintext = v.bytes("plaintext"), out(plaintext.size() + kGcmOverheadBytes);
    seal_gcm(key, {lease_of(v), counter_of(v)}, v.bytes("aad"), plaintext, out);
    EXPECT_EQ(to_hex(out), v.value("envelope")) << "line " << v.line;
    EXPECT_EQ(to_hex(parse_envelope(out)->nonce), v.value("nonce")) << "line " << v.line;
    auto opened = open(key, v.bytes("envelope"), v.bytes("aad"));
    ASSERT_TRUE(opened) << "line " << v.line;
    EXPECT_EQ(*opened, plaintext) << "line " << v.line;
  }
}

// Two processes with one salt and counter: what the lease is for.
TEST(LeaseEnvelope, DiffersUnderAnotherLeaseOfTheSameCounter) {
  Vector v = vectors::read("envelope.txt", "gcm-lease")[4];
  GcmWorkingKey key = lease_key(v);
  Bytes a(v.bytes("envelope").size()), b(a.size());
  seal_gcm(key, {{1}, 9}, {}, v.bytes("plaintext"), a);
  seal_gcm(key, {{2}, 9}, {}, v.bytes("plaintext"), b);
  EXPECT_NE(to_hex(ByteView(a).subspan(kGcmHeaderBytes)),
            to_hex(ByteView(b).subspan(kGcmHeaderBytes)));
}

TEST(GcmEnvelope, HasNoPlaceForALease) {
  Vector v = vectors::read("envelope.txt", "gcm")[4];
  Bytes out(v.bytes("envelope").size());
  EXPECT_ANY_THROW(seal_gcm(gcm_key(v), {{1}, 1}, {}, v.bytes("plaintext"), out));
  EXPECT_ANY_THROW((void)gcm_purpose(Format::aes_256_siv));
}

TEST(SivEnvelope, MatchesVectors) {
  for (const Vector& v : vectors::read("envelope.txt", "siv")) {
    SivWorkingKey key = siv_key(v);
    Bytes plaintext = v.bytes("plaintext"), out(plaintext.size() + kSivOverheadBytes);
    seal_siv(key, v.bytes("aad"), plaintext, out);
    EXPECT_EQ(to_hex(out), v.value("envelope")) << "line " << v.line;
    auto opened = open(key, v.bytes("envelope"), v.bytes("aad"));
    ASSERT_TRUE(opened) << "line " << v.line;
    EXPECT_EQ(*opened, plaintext) << "line " << v.line;
  }
}

TEST(SivEnvelope, OfAColumnMatchesVectors) {
  for (const Vector& v : vectors::read("columns.txt", "column")) {
    ContextTag tag;
    std::ranges::copy(v.bytes("context_tag"), tag.begin());
    const ColumnHeader header = column_header(static_cast<PlainType>(v.number("type")), tag);
    EXPECT_EQ(to_hex(header), v.value("column_header")) << "line " << v.line;
    const ColumnAad aad = column_aad(header);
    EXPECT_EQ(to_hex(aad), v.value("aad")) << "line " << v.line;
    SivWorkingKey key = siv_key(v);
    Bytes canonical = v.bytes("canonical"), out(canonical.size() + kSivOverheadBytes);
    seal_siv(key, aad, canonical, out);
    EXPECT_EQ(to_hex(out), v.value("envelope")) << "line " << v.line;
    const Bytes stored = v.bytes("value");
    ColumnValueView value;
    ASSERT_TRUE(parse_column_value(stored, value)) << "line " << v.line;
    EXPECT_EQ(value.type, static_cast<PlainType>(v.number("type")));
    EXPECT_EQ(to_hex(value.envelope), v.value("envelope")) << "line " << v.line;
    EXPECT_EQ(value.key.version, v.number("version"));
  }
}

// The same secret under the names that a changed header gives: worse than what a key server would
// do, which derives another secret for them.
GcmWorkingKey renamed_gcm(const Vector& v, const EnvelopeView& view) {
  return {provider(), view.key, view.gcm_salt(), secret_of(v.bytes("working_key"))};
}
SivWorkingKey renamed_siv(const Vector& v, const EnvelopeView& view) {
  return {view.key, secret_of(v.bytes("working_key"))};
}

// Every byte, every bit, header included.
template <class MakeKey, class Rename>
void expect_every_flip_refused(const Vector& v, MakeKey make_key, Rename rename) {
  Bytes envelope = v.bytes("envelope"), aad = v.bytes("aad");
  for (std::size_t i = 0; i < envelope.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes changed(envelope);
      changed[i] ^= static_cast<Byte>(1 << bit);
      auto view = parse_envelope(changed);
      if (!view) {
        EXPECT_EQ(view.error().code, Code::envelope_malformed);
        continue;
      }
      auto honest = open(make_key(v), changed, aad);
      auto forged = open(rename(v, *view), changed, aad);
      EXPECT_FALSE(honest) << "byte " << i << " line " << v.line;
      EXPECT_FALSE(forged) << "byte " << i << " line " << v.line;
    }
}

TEST(GcmEnvelope, RefusesEveryFlippedBit) {
  auto all = vectors::read("envelope.txt", "gcm");
  for (std::size_t i = 0; i < 5; ++i) expect_every_flip_refused(all[i], gcm_key, renamed_gcm);
}

TEST(SivEnvelope, RefusesEveryFlippedBit) {
  auto all = vectors::read("envelope.txt", "siv");
  for (std::size_t i = 0; i < 5; ++i) expect_every_flip_refused(all[i], siv_key, renamed_siv);
}

template <class MakeKey>
void expect_other_aad_and_length_refused(const Vector& v, MakeKey make_key) {
  auto key = make_key(v);
  Bytes envelope = v.bytes("envelope"), aad = v.bytes("aad");
  Bytes more(aad);
  more.push_back(0);
  EXPECT_FALSE(open(key, envelope, more));
  for (std::size_t size : {std::size_t{0}, aad.size() - aad.size() / 2})
    EXPECT_EQ(open(key, envelope, ByteView(aad).first(size)).has_value(), size == aad.size());
  for (std::size_t size = 0; size < envelope.size(); ++size)
    EXPECT_FALSE(open(key, ByteView(envelope).first(size), aad)) << size;
  envelope.push_back(0);
  EXPECT_FALSE(open(key, envelope, aad));
}

TEST(GcmEnvelope, RefusesOtherAadAndLengths) {
  for (const Vector& v : vectors::read("envelope.txt", "gcm"))
    expect_other_aad_and_length_refused(v, gcm_key);
}

TEST(SivEnvelope, RefusesOtherAadAndLengths) {
  for (const Vector& v : vectors::read("envelope.txt", "siv"))
    expect_other_aad_and_length_refused(v, siv_key);
}

TEST(LeaseEnvelope, RefusesEveryFlippedBitOtherAadAndLengths) {
  auto all = vectors::read("envelope.txt", "gcm-lease");
  for (std::size_t i = 0; i < 5; ++i) expect_every_flip_refused(all[i], lease_key, renamed_gcm);
  for (const Vector& v : all) expect_other_aad_and_length_refused(v, lease_key);
}

TEST(Envelope, RefusesAWorkingKeyOfAnotherFormat) {
  Vector gcm = vectors::read("envelope.txt", "gcm")[1],
         siv = vectors::read("envelope.txt", "siv")[1];
  EXPECT_EQ(open(gcm_key(gcm), siv.bytes("envelope"), {}).error().code, Code::internal);
  EXPECT_EQ(open(siv_key(siv), gcm.bytes("envelope"), {}).error().code, Code::internal);
  Vector lease = vectors::read("envelope.txt", "gcm-lease")[1];
  EXPECT_EQ(open(gcm_key(gcm), lease.bytes("envelope"), {}).error().code, Code::internal);
  EXPECT_EQ(open(lease_key(lease), gcm.bytes("envelope"), {}).error().code, Code::internal);
}

TEST(Envelope, RefusesOutputsOfTheWrongSize) {
  Vector gcm = vectors::read("envelope.txt", "gcm")[1],
         siv = vectors::read("envelope.txt", "siv")[1];
  Bytes out(100);
  for (std::size_t wrong : {kGcmOverheadBytes, kGcmOverheadBytes + 2})
    EXPECT_ANY_THROW(
        seal_gcm(gcm_key(gcm), {{}, 1}, {}, as_bytes("x"), ByteSpan(out).first(wrong)));
  for (std::size_t wrong : {kSivOverheadBytes, kSivOverheadBytes + 2})
    EXPECT_ANY_THROW(seal_siv(siv_key(siv), {}, as_bytes("x"), ByteSpan(out).first(wrong)));
}

TEST(GcmEnvelope, NeverRepeatsUnderAnotherCounter) {
  Vector v = vectors::read("envelope.txt", "gcm")[4];
  Bytes a(v.bytes("envelope").size()), b(a.size());
  GcmWorkingKey key = gcm_key(v);
  seal_gcm(key, {{}, 1}, {}, v.bytes("plaintext"), a);
  seal_gcm(key, {{}, 2}, {}, v.bytes("plaintext"), b);
  EXPECT_NE(to_hex(ByteView(a).subspan(kGcmHeaderBytes)),
            to_hex(ByteView(b).subspan(kGcmHeaderBytes)));
}

TEST(Mac, MatchesVectorsAndRefusesEveryFlip) {
  for (const Vector& v : vectors::read("envelope.txt", "mac")) {
    MacWorkingKey key(id_of(v), secret_of(v.bytes("working_key")));
    Bytes data = v.bytes("data"), token(kMacTokenBytes);
    write_mac(key, data, ByteSpan(token).first<kMacTokenBytes>());
    EXPECT_EQ(to_hex(token), v.value("token")) << "line " << v.line;
    EXPECT_TRUE(*verify_mac(key, data, *parse_token(token)));
    for (std::size_t i = 0; i < token.size(); ++i) {
      Bytes changed(token);
      changed[i] ^= 1;
      auto view = parse_token(changed);
      if (!view) continue;
      auto result = verify_mac(key, data, *view);
      EXPECT_TRUE(!result || !*result) << i;
    }
    data.push_back(0);
    EXPECT_FALSE(*verify_mac(key, data, *parse_token(token)));
  }
}

TEST(BlindIndex, MatchesVectors) {
  for (const Vector& v : vectors::read("envelope.txt", "blind-index")) {
    MacWorkingKey key({}, secret_of(v.bytes("working_key")));
    std::array<Byte, kBlindIndexBytes> index;
    write_blind_index(key, v.bytes("data"), index);
    EXPECT_EQ(to_hex(index), v.value("index")) << "line " << v.line;
  }
}

TEST(BlindIndexCode, MatchesVectors) {
  for (const Vector& v : vectors::read("blind_index.txt", "blind-index-code")) {
    HmacSha256 hsm(secret_of(v.bytes("key")));
    auto secret =
        derive_working_key(kBlindIndexCodePurpose, id_of(v), kNoSalt,
                           [&](ByteView input, std::span<Byte, kSha256Bytes> out) -> Result<void> {
                             hsm.compute(input, out);
                             return {};
                           });
    ASSERT_TRUE(secret);
    EXPECT_EQ(to_hex(secret->expose()), v.value("working_key")) << "line " << v.line;
    MacWorkingKey key(id_of(v), *secret);
    std::array<Byte, kBlindIndexCodeBytes> code;
    write_blind_index_code(key, v.bytes("input"), code);
    EXPECT_EQ(to_hex(code), v.value("code")) << "line " << v.line;
  }
}

TEST(SearchCodes, MatchVectors) {
  auto all = vectors::read("search.txt", "search");
  for (Vector& v : vectors::read("search.txt", "bucket")) all.push_back(std::move(v));
  for (const Vector& v : all) {
    HmacSha256 hsm(secret_of(v.bytes("key")));
    auto secret =
        derive_working_key(kSearchPurpose, id_of(v), kNoSalt,
                           [&](ByteView input, std::span<Byte, kSha256Bytes> out) -> Result<void> {
                             hsm.compute(input, out);
                             return {};
                           });
    ASSERT_TRUE(secret);
    EXPECT_EQ(to_hex(secret->expose()), v.value("working_key")) << "line " << v.line;
    const Bytes bytes = v.bytes("input");
    SearchInputView input;
    ASSERT_TRUE(parse_search_input(bytes, input)) << "line " << v.line;
    Bytes codes(input.count * kSearchCodeBytes);
    write_search_codes(MacWorkingKey(id_of(v), *secret), input, codes);
    EXPECT_EQ(to_hex(codes), v.value("codes")) << "line " << v.line;
  }
}

}  // namespace
}  // namespace nae::crypto
