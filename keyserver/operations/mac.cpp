#include <algorithm>

#include "keyserver/keys/state.hpp"
#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"
#include "libnae/crypto/kdf.hpp"

namespace nae::operations {
namespace {

using keys::MacPurpose;

// What codes of a key look like, and so who computes them.
Format format_of(const keys::Key& key) {
  if (key.type == KeyType::hmac_sha_256_raw) return Format::hmac_sha_256_raw;
  return key.protection == keys::Protection::hsm_only ? Format::hmac_sha_256_hsm
                                                      : Format::hmac_sha_256;
}

MacPurpose purpose_of(const CryptoRequest& asked) {
  switch (static_cast<MacForm>(asked.algorithm)) {
    case MacForm::code:
      return MacPurpose::code;
    case MacForm::blind_index:
      return MacPurpose::blind_index;
    case MacForm::blind_index_code:
    case MacForm::blind_index_search:
      break;
  }
  return MacPurpose::blind_index_code;
}

std::size_t bytes_of(MacPurpose purpose) {
  switch (purpose) {
    case MacPurpose::code:
      return crypto::kMacTokenBytes;
    case MacPurpose::blind_index:
      return kBlindIndexBytes;
    case MacPurpose::search:  // search.cpp: no purpose of mac
    case MacPurpose::blind_index_code:
      break;
  }
  return kBlindIndexCodeBytes;
}

Result<Bytes> code_in_hsm(keys::Hsm& hsm, const keys::Key& key, const keys::Version& version,
                          MacPurpose purpose, ByteView data) {
  const keys::HsmKey in_hsm = keys::hsm_key(key, version);
  Bytes token(crypto::kMacTokenBytes);
  write_token_header(token.data(), static_cast<std::uint8_t>(format_of(key)), in_hsm.id);
  NAE_TRY(
      hsm.mac(in_hsm, keys::key_purpose(purpose), data, ByteSpan(token).last<keys::kHmacBytes>()));
  return token;
}

// 10 us each on SoftHSM2.
HsmWork compute_some(const Request& request, const Granted& granted, MacPurpose purpose) {
  return make_some(request, [key = granted.key, number = granted.version->number, purpose](
                                keys::Hsm& hsm, const CryptoRequest& asked, std::uint32_t item) {
    return code_in_hsm(hsm, *key, *key->version(number), purpose, asked.items[item]);
  });
}

// What leaves of a token that the HSM computed; `out` is bytes_of(purpose) long.
void show(ByteView token, MacPurpose purpose, ByteSpan out) {
  if (purpose == MacPurpose::code) {
    std::ranges::copy(token, out.begin());
    return;
  }
  if (purpose == MacPurpose::blind_index_code)
    write_blind_index_header(out.data(), Format::blind_index_hsm, parse_token(token)->key.version);
  std::ranges::copy(token.subspan(kTokenHeaderBytes, kBlindIndexBytes),
                    out.last(kBlindIndexBytes).begin());
}

Outcome mac_in_hsm(Request& request, const Granted& granted, MacPurpose purpose) {
  if (purpose != MacPurpose::code && granted.key->type == KeyType::hmac_sha_256_raw)
    return Refused{Error(Code::key_type, "keys of type hmac-sha-256-raw make no blind indexes",
                         "Use a key of type hmac-sha-256."),
                   granted.key->name, granted.decision};
  auto& made = request.progress.prepared.made;
  // What was computed under a version that is no longer the one to use does not leave.
  if (!made.empty() && parse_token(made.at(0))->key.version != granted.version->number)
    made.clear();
  if (made.size() < request.count()) return compute_some(request, granted, purpose);
  request.answer.begin(request.count(), request.count() * bytes_of(purpose));
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    show(made.at(i), purpose, request.answer.begin_item(bytes_of(purpose)));
    request.answer.finish_item(policy::Verdict::value, bytes_of(purpose));
  }
  return served(granted, request.count(), 0);
}

// The working key of one version, or the job that derives it.
std::variant<std::shared_ptr<const crypto::MacWorkingKey>, HsmWork> working_key(
    const Request& request, const keys::KeyPointer& key, std::uint16_t version,
    MacPurpose purpose) {
  const KeyVersionId id{key->id, version};
  const auto fits = [&](const crypto::MacWorkingKey& made) { return made.id == id; };
  if (auto made = request.progress.prepared.find<crypto::MacWorkingKey>(fits)) return made;
  if (auto found = request.parts.working_keys.find_mac(id, purpose)) return found;
  return HsmWork(
      [&working_keys = request.parts.working_keys, key, version, purpose, party = request.party()](
          keys::Hsm& hsm, const CryptoRequest&) -> Result<Prepared> {
        Prepared prepared;
        NAE_ASSIGN(auto made, working_keys.derive_mac(hsm, *key, version, purpose, party));
        prepared.keys.emplace_back(std::move(made));
        return prepared;
      },
      working_key_name("mac" + std::to_string(static_cast<int>(purpose)), id));
}

// `out` is bytes_of(purpose) long.
void write(const crypto::MacWorkingKey& key, MacPurpose purpose, ByteView data, ByteSpan out) {
  switch (purpose) {
    case MacPurpose::code:
      return crypto::write_mac(key, data, out.first<crypto::kMacTokenBytes>());
    case MacPurpose::blind_index:
      return crypto::write_blind_index(key, data, out.first<kBlindIndexBytes>());
    case MacPurpose::search:
    case MacPurpose::blind_index_code:
      return crypto::write_blind_index_code(key, data, out.first<kBlindIndexCodeBytes>());
  }
}

// Verifies the codes of one request; holds the working key of the version that the last one named.
class MacVerifier {
 public:
  MacVerifier(Request& request, const keys::KeyPointer& key) : request_(request), key_(key) {}

  // True, false, why it cannot be said, or the work that must come first.
  std::variant<Result<bool>, HsmWork> verify(std::uint32_t index, ByteView data, ByteView code) {
    auto token = parse_token(code);
    if (!token || !is_mac_format(token->format))
      return Result<bool>(fail(Code::signature_malformed, {}));
    if (token->format != static_cast<std::uint8_t>(format_of(*key_))) return Result<bool>(false);
    const keys::Version* version =
        token->key.key == key_->id ? key_->version(token->key.version) : nullptr;
    if (!version) return Result<bool>(false);  // a code by another key is not one by this key
    if (!keys::permits(version->state, Action::mac_verify))
      return Result<bool>(fail(Code::key_state, {}));
    if (computed_in_hsm()) {
      if (index >= request_.progress.prepared.made.size()) return compute_expected();
      // Empty: the version could not serve when the HSM was asked.
      const Bytes& expected = request_.progress.prepared.made.at(index);
      if (expected.empty()) return Result<bool>(fail(Code::key_state, {}));
      tally.add(*version);
      return Result<bool>(crypto::equal_in_constant_time(expected, code));
    }
    if (!working_ || working_->id != token->key) {
      auto found = working_key(request_, key_, version->number, MacPurpose::code);
      if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);
      working_ = std::get<0>(found);
    }
    tally.add(*version);
    return crypto::verify_mac(*working_, data, *token);
  }

  VersionTally tally;

 private:
  bool computed_in_hsm() const { return format_of(*key_) != Format::hmac_sha_256; }

  // The codes of the items that follow, each under the version that its own code names.
  HsmWork compute_expected() const {
    return make_some(request_,
                     [key = key_](keys::Hsm& hsm, const CryptoRequest& asked,
                                  std::uint32_t item) -> Result<Bytes> {
                       const auto token = parse_token(asked.seconds[item]);
                       const keys::Version* version = token && token->key.key == key->id
                                                          ? key->version(token->key.version)
                                                          : nullptr;
                       if (!version || !keys::permits(version->state, Action::mac_verify))
                         return Bytes();
                       return code_in_hsm(hsm, *key, *version, MacPurpose::code, asked.items[item]);
                     });
  }

  Request& request_;
  const keys::KeyPointer& key_;
  std::shared_ptr<const crypto::MacWorkingKey> working_;
};

}  // namespace

Outcome mac(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.asked.algorithm > static_cast<std::uint8_t>(MacForm::blind_index_search))
    return Refused{Error(Code::unsupported, "unknown form of message authentication code"),
                   granted.key->name, granted.decision};
  const MacPurpose purpose = purpose_of(request.asked);
  if (format_of(*granted.key) != Format::hmac_sha_256) return mac_in_hsm(request, granted, purpose);
  auto found = working_key(request, granted.key, granted.version->number, purpose);
  if (auto* work = std::get_if<HsmWork>(&found)) return std::move(*work);

  const std::size_t bytes = bytes_of(purpose);
  request.answer.begin(request.count(), request.count() * bytes);
  for (const ByteView item : request.asked.items) {
    write(*std::get<0>(found), purpose, item, request.answer.begin_item(bytes));
    request.answer.finish_item(policy::Verdict::value, bytes);
  }
  return served(granted, request.count(), 0);
}

Outcome mac_verify(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  request.answer.begin(request.count(), request.count());
  MacVerifier verifier(request, granted.key);
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    auto verified = verifier.verify(i, request.asked.items[i], request.asked.seconds[i]);
    if (auto* work = std::get_if<HsmWork>(&verified)) return std::move(*work);
    failed += answer_verified(request.answer, std::get<Result<bool>>(verified)) ? 0 : 1;
  }
  Served done = served(granted, request.count(), failed);
  done.counts = verifier.tally.take();
  return done;
}

}  // namespace nae::operations
