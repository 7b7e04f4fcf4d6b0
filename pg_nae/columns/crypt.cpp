#include "pg_nae/columns/crypt.hpp"

#include "pg_nae/columns/declared_key.hpp"
#include "pg_nae/columns/given_ciphertext.hpp"
#include "pg_nae/functions/item_failure.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/run_crypto.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

// One request while it is answered.
struct Asked {
  wire::CryptoRequest request;
  void* owner;
  void (*take)(const Asked& asked, std::size_t index, wire::ItemResult result, ByteView bytes);
  const std::size_t* places = nullptr;  // of the items among all that are asked for; nullptr: all
  std::size_t all = 0;                  // how many are asked for; 0: the items alone

  std::size_t place(std::size_t item) const { return places == nullptr ? item : places[item]; }
  bool is_alone() const { return (all == 0 ? request.items.size() : all) == 1; }
};

void consume(void* state, std::size_t first, const wire::CryptoReplyView& reply) {
  const auto& asked = *static_cast<Asked*>(state);
  wire::each_item(reply, [&](std::size_t number, std::uint16_t status, ByteView bytes) {
    const std::size_t place = asked.place(first + number);
    if (status < wire::kFirstErrorStatus)
      return asked.take(asked, place, static_cast<wire::ItemResult>(status), bytes);
    functions::CryptoCall call;
    call.action = asked.request.header.action;
    call.key = asked.request.header.key;
    functions::raise_item_failure(status, call, asked.is_alone() ? 0 : place + 1);
  });
}

void ask(Asked& asked) {
  std::size_t limit = pg::settings.max_value_bytes();
  // A ciphertext is longer than the plaintext that the limit speaks of.
  const bool encrypts = asked.request.header.action == Action::encrypt;
  const std::size_t overhead = encrypts ? 0 : kGcmOverheadBytes;
  for (ByteView item : asked.request.items)
    if (item.size() > limit + overhead)
      pg::raise(Code::value_too_large,
                psprintf("value of %zu bytes is larger than nae.max_value_size (%zu bytes)",
                         item.size(), limit));
  asked.request.header.query_id = pgstat_get_my_query_id();
  pg::run_crypto(asked.request, consume, &asked);
}

struct Sealing {
  const ColumnKey& key;
  PlainType type;
  Datum* results;
};

void take_sealed(const Asked& asked, std::size_t index, wire::ItemResult, ByteView envelope) {
  const auto& sealing = *static_cast<Sealing*>(asked.owner);
  char* memory = room_for_ciphertext(envelope.size());
  sealing.results[index] = sealed(sealing.key, sealing.type, envelope, memory);
}

void seal(const ColumnKey& key, PlainType type, std::span<const ByteView> plaintexts,
          EncryptForm form, Datum* results) {
  Sealing sealing{key, type, results};
  ColumnHeader header = column_header(type, key.tag);
  ByteView aad = associated_data(header);
  Asked asked{{}, &sealing, take_sealed};
  asked.request.header.action = Action::encrypt;
  asked.request.header.algorithm = static_cast<std::uint8_t>(form);
  asked.request.header.key = key.reference;
  asked.request.items = plaintexts;
  asked.request.aad = {&aad, 1};
  ask(asked);
}

struct Opening {
  PlainType type;
  std::span<const Value> ciphertexts;
  bool whole;
  Datum* results;
  bool* nulls;
  DecryptedValues* values;  // to be kept in, or nullptr

  void take(std::size_t index, wire::ItemResult result, ByteView bytes) const {
    if (whole) expect_whole(result);
    nulls[index] = result == wire::ItemResult::null;
    results[index] =
        nulls[index] ? Datum{0} : opened(type, result, bytes, ciphertexts[index].ciphertext.header);
  }
};

void take_opened(const Asked& asked, std::size_t index, wire::ItemResult result, ByteView bytes) {
  const auto& opening = *static_cast<Opening*>(asked.owner);
  opening.take(index, result, bytes);
  if (opening.values != nullptr)
    opening.values->keep(opening.ciphertexts[index].stored, {result, bytes});
}

// Takes those that have been opened before; answers the places of the others.
std::span<std::size_t> take_known(const Opening& opening, std::size_t* places) {
  if (opening.values != nullptr) opening.values->ask_as(pg::current_roles());
  std::size_t left = 0;
  for (std::size_t i = 0; i < opening.ciphertexts.size(); ++i) {
    DecryptedValue value;
    if (opening.values != nullptr && opening.values->find(opening.ciphertexts[i].stored, value))
      opening.take(i, value.result, value.bytes);
    else
      places[left++] = i;
  }
  return {places, left};
}

template <class T>
T* room_for(std::size_t count) {
  return static_cast<T*>(palloc(sizeof(T) * (count + 1)));
}

// Those of the ciphertexts whose columns have one key. Envelopes name their keys themselves, and
// that they name this one is the key server's to compare.
struct OfOneKey {
  std::string_view key;  // empty: of no column of this database
  ByteView* items;
  ByteView* aads;
  std::size_t* places;  // among all
  std::size_t count;

  void add(const ColumnValueView& ciphertext, std::size_t place) {
    items[count] = ciphertext.envelope;
    aads[count] = associated_data(ciphertext.header);
    places[count++] = place;
  }
};

// Takes out of `left` those of the key of the first one.
OfOneKey take_one_key(std::span<const Value> ciphertexts, std::span<std::size_t>& left) {
  OfOneKey same{};
  same.key = declared_key(ciphertexts[left[0]].ciphertext.context);
  same.items = room_for<ByteView>(left.size());
  same.aads = room_for<ByteView>(left.size());
  same.places = room_for<std::size_t>(left.size());
  std::size_t others = 0;
  for (std::size_t place : left) {
    const ColumnValueView& ciphertext = ciphertexts[place].ciphertext;
    if (declared_key(ciphertext.context) == same.key)
      same.add(ciphertext, place);
    else
      left[others++] = place;
  }
  left = left.first(others);
  return same;
}

void address(const OfOneKey& same, Asked& asked) {
  asked.request.header.key = same.key;
  asked.request.items = {same.items, same.count};
  asked.request.aad = {same.aads, same.count};
  asked.places = same.places;
}

struct Rewrapping {
  ByteView header;
  Datum result;
};

void take_rewrapped(const Asked& asked, std::size_t, wire::ItemResult, ByteView envelope) {
  auto& rewrapping = *static_cast<Rewrapping*>(asked.owner);
  char* memory = room_for_ciphertext(envelope.size());
  rewrapping.result = write_ciphertext(memory, rewrapping.header, envelope);
}

}  // namespace

Datum sealed(const ColumnKey& key, PlainType type, ByteView envelope, char* memory) {
  bool deterministic = !envelope.empty() && envelope[0] == static_cast<Byte>(Format::aes_256_siv);
  if (deterministic != key.deterministic())
    pg::raise(Code::key_type,
              psprintf("key \"%s\" is not of the type that a %s column takes", key.key.data(),
                       key.deterministic() ? "deterministic" : "randomized"),
              kKeyTypesHint);
  return write_ciphertext(memory, column_header(type, key.tag), envelope);
}

Datum opened(PlainType type, wire::ItemResult result, ByteView bytes, ByteView header) {
  switch (result) {
    case wire::ItemResult::value:
      return plain_value(type, bytes);
    case wire::ItemResult::masked:
      // A mask is a text. Of another type's binary form it would be another value.
      if (is_character(type)) return plain_value(type, bytes);
      pg::raise(Code::value_not_text,
                psprintf("the policy shows values of type %s masked, which works on text only",
                         plain_name(type)));
    case wire::ItemResult::ciphertext: {
      Datum stored = write_ciphertext(room_for_ciphertext(bytes.size()), header, bytes);
      if (type == PlainType::bytea) return stored;
      if (is_character(type))
        return CStringGetTextDatum(ciphertext_in_words(pg::local_view(stored)));
      pg::raise(
          Code::denied,
          psprintf("the policy shows this role ciphertext, which a value of type %s cannot hold",
                   plain_name(type)),
          "SET nae.transparent = off shows the column as it is stored.");
    }
    case wire::ItemResult::null:
      break;
  }
  pg_unreachable();
}

void encrypt_values(const ColumnKey& key, PlainType type, std::span<const ByteView> plaintexts,
                    Datum* results) {
  seal(key, type, plaintexts, EncryptForm::value, results);
}

Datum stored_form(const ColumnKey& key, const Value& value, Datum datum) {
  if (!value.pending) {
    expect_to_belong(value, key);
    expect_acceptable(value, key);
    return datum;
  }
  Datum result;
  encrypt_values(key, value.type, {&value.plaintext, 1}, &result);
  return result;
}

void search_tokens(const ColumnKey& key, PlainType type, std::span<const ByteView> plaintexts,
                   Datum* results) {
  seal(key, type, plaintexts, EncryptForm::search_token, results);
}

void expect_whole(wire::ItemResult result) {
  if (result == wire::ItemResult::value) return;
  pg::raise(Code::denied, "the policy does not show this role the whole value",
            "What is to stay readable must be read whole; see the results in nae_keys().");
}

void decrypt_values(PlainType type, std::span<const Value> ciphertexts, bool whole, Datum* results,
                    bool* nulls, DecryptedValues* values) {
  Opening opening{type, ciphertexts, whole, results, nulls, values};
  Asked asked{{}, &opening, take_opened};
  asked.request.header.action = Action::decrypt;
  asked.all = ciphertexts.size();
  std::span<std::size_t> left = take_known(opening, room_for<std::size_t>(ciphertexts.size()));
  while (!left.empty()) {
    address(take_one_key(ciphertexts, left), asked);
    ask(asked);
  }
}

Datum plaintext_of(const Value& value, bool whole, bool& is_null, DecryptedValues* values) {
  if (value.pending) return plain_value(value.type, value.plaintext);
  Datum result;
  decrypt_values(value.type, {&value, 1}, whole, &result, &is_null, values);
  return result;
}

Datum rewrap_value(const Value& ciphertext) {
  Rewrapping rewrapping{ciphertext.ciphertext.header, 0};
  Asked asked{{}, &rewrapping, take_rewrapped};
  asked.request.header.action = Action::rewrap;
  std::size_t first = 0;
  std::span<std::size_t> left{&first, 1};
  address(take_one_key({&ciphertext, 1}, left), asked);
  ask(asked);
  note_rewrapped(read_value(rewrapping.result));
  return rewrapping.result;
}

}  // namespace nae::columns
