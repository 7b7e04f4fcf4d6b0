#include "keyserver/operations/open_part.hpp"

#include <map>

namespace nae::operations {
namespace {

// Those of the cache, and up to a number of its own.
class OneTimeKeys {
 public:
  OneTimeKeys(keys::WorkingKeys& cache, keys::Hsm& hsm, std::size_t most, std::string_view party)
      : cache_(cache), hsm_(hsm), most_(most), party_(party) {}

  // The plaintext or why there is none; nothing when that takes one key more than there may be.
  Result<std::optional<Result<Bytes>>> open(const keys::Key& key, const EnvelopeView& envelope,
                                            ByteView aad) {
    const std::uint16_t version = envelope.key.version;
    Bytes plaintext(envelope.ciphertext.size());
    Result<void> opened;
    if (is_salted(envelope.format)) {
      NAE_ASSIGN(auto made, get(
                                gcm_, {envelope.key, envelope.gcm_salt()},
                                [&] { return cache_.find_gcm(envelope.key, envelope.gcm_salt()); },
                                [&] {
                                  return cache_.derive_gcm(hsm_, key, version, envelope.gcm_salt(),
                                                           party_, keys::Keep::no);
                                }));
      if (!made) return std::nullopt;
      opened = crypto::open_gcm(*made, envelope, aad, plaintext);
    } else {
      NAE_ASSIGN(
          auto made,
          get(
              siv_, {envelope.key, {}}, [&] { return cache_.find_siv(envelope.key); },
              [&] { return cache_.derive_siv(hsm_, key, version, party_, keys::Keep::no); }));
      if (!made) return std::nullopt;
      opened = crypto::open_siv(*made, envelope, aad, plaintext);
    }
    if (!opened) return Result<Bytes>(fail(std::move(opened).error()));
    return Result<Bytes>(std::move(plaintext));
  }

 private:
  using Name = std::pair<KeyVersionId, GcmSalt>;
  template <class Key>
  using Made = std::map<Name, std::shared_ptr<const Key>>;

  template <class Key, class Find, class Derive>
  Result<std::shared_ptr<const Key>> get(Made<Key>& made, const Name& name, Find find,
                                         Derive derive) {
    if (const auto found = made.find(name); found != made.end()) return found->second;
    if (std::shared_ptr<const Key> found = find()) return found;
    if (gcm_.size() + siv_.size() >= most_) return std::shared_ptr<const Key>();
    NAE_ASSIGN(std::shared_ptr<const Key> key, derive());
    made.emplace(name, key);
    return key;
  }

  keys::WorkingKeys& cache_;
  keys::Hsm& hsm_;
  std::size_t most_;
  std::string_view party_;
  Made<crypto::GcmWorkingKey> gcm_;
  Made<crypto::SivWorkingKey> siv_;
};

}  // namespace

HsmWork open_part(keys::WorkingKeys& working_keys, std::vector<ItemOfKey> items, std::size_t most,
                  std::string party) {
  return [&working_keys, items = std::move(items), most, party = std::move(party)](
             keys::Hsm& hsm, const CryptoRequest& asked) -> Result<Prepared> {
    Prepared prepared;
    OneTimeKeys keys(working_keys, hsm, most, party);
    for (const ItemOfKey& item : items) {
      NAE_ASSIGN(const EnvelopeView envelope, parse_envelope(asked.items[item.index]));
      NAE_ASSIGN(auto opened, keys.open(*item.key, envelope, asked.aad_of(item.index)));
      if (!opened) break;
      prepared.opened.emplace(item.index, std::move(*opened));
    }
    return prepared;
  };
}

}  // namespace nae::operations
