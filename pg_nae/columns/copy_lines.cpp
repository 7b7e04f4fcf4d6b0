#include "pg_nae/columns/copy_lines.hpp"

#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/functions/item_failure.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

template <class T>
T* larger(T* old, std::size_t count, std::size_t capacity) {
  auto* room = static_cast<T*>(palloc(sizeof(T) * capacity));
  if (count != 0) std::memcpy(room, old, sizeof(T) * count);
  return room;
}

}  // namespace

void CopyLines::create(const CopyShape& shape, const pg::StatementRoles& roles) {
  shape_ = shape;
  exchange_.create(CurrentMemoryContext, roles);
  memory_ = AllocSetContextCreate(CurrentMemoryContext, "nae copy lines", ALLOCSET_DEFAULT_SIZES);
}

// CSV says of a column what its unquoted and quoted NULLs are; COPY looks at that after the fields.
char* CopyLines::read_field(std::size_t column_number, char* field) {
  const CopyColumn& column = shape_.columns[column_number];
  if (field == nullptr) return column.force_not_null ? pstrdup(shape_.null_print) : nullptr;
  if (column.force_null && std::strcmp(field, shape_.null_print) == 0) return nullptr;
  return pstrdup(field);
}

std::size_t CopyLines::add_value(std::size_t column_number, Datum value) {
  if (value_count_ == value_capacity_) {
    value_capacity_ = value_capacity_ == 0 ? 512 : value_capacity_ * 2;
    values_ = larger(values_, value_count_, value_capacity_);
    value_lines_ = larger(value_lines_, value_count_, value_capacity_);
    value_columns_ = larger(value_columns_, value_count_, value_capacity_);
    value_plaintexts_ = larger(value_plaintexts_, value_count_, value_capacity_);
  }
  values_[value_count_] = value;
  value_lines_[value_count_] = line_;
  value_columns_[value_count_] = column_number;
  value_plaintexts_[value_count_] = {};
  return value_count_++;
}

// What is written in the place of an encrypted field.
char* CopyLines::number_of(std::size_t column_number, char* field) {
  const CopyColumn& column = shape_.columns[column_number];
  std::size_t number;
  column_ = column.name;
  if (has_ciphertext_prefix(field)) {
    number = add_value(column_number, InputFunctionCall(column.input, field, column.input_parameter,
                                                        column.key->typmod));
  } else {
    number = add_value(column_number, 0);
    ask_for(column_number, number, field);
  }
  column_ = nullptr;
  constexpr std::size_t kMaxDigits = 20;
  auto* digits = static_cast<char*>(palloc(kMaxDigits + 1));
  digits[pg_ulltoa_n(number, digits)] = '\0';
  return digits;
}

void CopyLines::ask_for(std::size_t column_number, std::size_t number, char* field) {
  const CopyColumn& column = shape_.columns[column_number];
  ByteView plaintext = canonical_from_text(column.type, field, column.deterministic);
  if (!pg::fits_a_frame(plaintext.size() + kColumnAadBytes) ||
      plaintext.size() > pg::settings.max_value_bytes())
    pg::raise(Code::value_too_large,
              psprintf("value of %zu bytes is larger than nae.max_value_size", plaintext.size()));
  Asked& asked = asked_[column_number];
  if (asked.count == asked.capacity) {
    asked.capacity = asked.capacity == 0 ? 64 : asked.capacity * 2;
    asked.items = larger(asked.items, asked.count, asked.capacity);
    asked.numbers = larger(asked.numbers, asked.count, asked.capacity);
  }
  value_plaintexts_[number] = plaintext;
  asked.items[asked.count] = plaintext;
  asked.numbers[asked.count++] = number;
}

void CopyLines::append(char** fields, int field_count) {
  if (count_ == capacity_) {
    capacity_ = capacity_ == 0 ? 256 : capacity_ * 2;
    lines_ = larger(lines_, count_, capacity_);
    field_counts_ = larger(field_counts_, count_, capacity_);
  }
  auto** line =
      static_cast<char**>(palloc(sizeof(char*) * static_cast<std::size_t>(field_count + 1)));
  for (int i = 0; i < field_count; ++i) {
    auto column_number = static_cast<std::size_t>(i);
    if (column_number >= shape_.column_count) {
      line[i] = fields[i] == nullptr ? nullptr : pstrdup(fields[i]);
      continue;
    }
    line[i] = read_field(column_number, fields[i]);
    bytes_ += line[i] == nullptr ? 0 : std::strlen(line[i]);
    if (shape_.columns[column_number].key != nullptr && line[i] != nullptr)
      line[i] = number_of(column_number, line[i]);
  }
  lines_[count_] = line;
  field_counts_[count_++] = field_count;
}

bool CopyLines::read(CopyFromState source) {
  MemoryContextReset(memory_);
  MemoryContext before = MemoryContextSwitchTo(memory_);
  count_ = capacity_ = bytes_ = value_count_ = value_capacity_ = 0;
  traffic_ = {};
  line_ = 0;
  column_ = nullptr;
  asked_ = static_cast<Asked*>(palloc0(sizeof(Asked) * shape_.column_count));
  const auto most_lines = static_cast<std::size_t>(pg::settings.batch_size);
  const std::size_t most_bytes = static_cast<std::size_t>(work_mem) * 1024 / 4;
  char** fields;
  int field_count;
  bool more = true;
  while (count_ < most_lines && bytes_ < most_bytes) {
    CHECK_FOR_INTERRUPTS();
    more = NextCopyFromRawFields(source, &fields, &field_count);
    if (!more) break;
    line_ = source->cur_lineno;
    append(fields, field_count);
    line_ = 0;
  }
  prepare();
  MemoryContextSwitchTo(before);
  return more;
}

void CopyLines::prepare() {
  auto* requests =
      static_cast<wire::CryptoRequest*>(palloc0(sizeof(wire::CryptoRequest) * shape_.column_count));
  request_columns_ = static_cast<std::size_t*>(palloc(sizeof(std::size_t) * shape_.column_count));
  std::size_t request_count = 0;
  for (std::size_t i = 0; i < shape_.column_count; ++i) {
    Asked& asked = asked_[i];
    if (asked.count == 0) continue;
    const CopyColumn& column = shape_.columns[i];
    asked.aad = associated_data(column_header(column.type, column.key->tag));
    wire::CryptoRequest& request = *new (&requests[request_count]) wire::CryptoRequest;
    request.header.action = Action::encrypt;
    request.header.key = column.key->reference;
    request.header.query_id = pgstat_get_my_query_id();
    request.items = {asked.items, asked.count};
    request.aad = {&asked.aad, 1};
    request_columns_[request_count++] = i;
  }
  exchange_.prepare({requests, request_count}, {this, consume, refuse}, traffic_);
}

void CopyLines::consume(void* state, std::size_t request, std::size_t first,
                        const wire::CryptoReplyView& reply) {
  auto& self = *static_cast<CopyLines*>(state);
  const std::size_t column_number = self.request_columns_[request];
  const CopyColumn& column = self.shape_.columns[column_number];
  const Asked& asked = self.asked_[column_number];
  wire::each_item(reply, [&](std::size_t item, std::uint16_t status, ByteView envelope) {
    const auto number = asked.numbers[first + item];
    if (status >= wire::kFirstErrorStatus) {
      self.line_ = self.value_lines_[number];
      self.column_ = column.name;
      functions::CryptoCall call;
      call.action = Action::encrypt;
      call.key = column.key->key;
      functions::raise_item_failure(status, call, 0);
    }
    char* memory = room_for_ciphertext(envelope.size());
    self.values_[number] = sealed(*column.key, column.type, envelope, memory);
  });
}

void CopyLines::refuse(void* state, std::size_t request, std::size_t first, std::size_t,
                       const backend::Failure& failure) {
  auto& self = *static_cast<CopyLines*>(state);
  const std::size_t column_number = self.request_columns_[request];
  self.line_ = self.value_lines_[self.asked_[column_number].numbers[first]];
  self.column_ = self.shape_.columns[column_number].name;
  pg::raise(failure);
}

std::span<const WrittenValue> CopyLines::values_of(std::size_t column_number) {
  auto* values = static_cast<WrittenValue*>(
      MemoryContextAlloc(memory_, sizeof(WrittenValue) * (value_count_ + 1)));
  std::size_t count = 0;
  for (std::size_t i = 0; i < value_count_; ++i) {
    if (value_columns_[i] != column_number) continue;
    const ByteView plaintext = value_plaintexts_[i];
    values[count++] = {values_[i], plaintext.data() != nullptr, plaintext};
  }
  return {values, count};
}

// PostgreSQL's text format: what it reads as it was.
void CopyLines::write_field(const char* field) {
  if (field == nullptr) return appendStringInfoString(&text_, "\\N");
  for (const char* c = field;;) {
    std::size_t plain = std::strcspn(c, "\\\n\r\t");
    appendBinaryStringInfo(&text_, c, static_cast<int>(plain));
    c += plain;
    if (*c == '\0') return;
    appendStringInfoChar(&text_, '\\');
    appendStringInfoChar(&text_, *c == '\n' ? 'n' : *c == '\r' ? 'r' : *c == '\t' ? 't' : '\\');
    ++c;
  }
}

StringInfo CopyLines::finish() {
  MemoryContext before = MemoryContextSwitchTo(memory_);
  exchange_.finish();
  initStringInfo(&text_);
  for (std::size_t line = 0; line < count_; ++line) {
    for (int i = 0; i < field_counts_[line]; ++i) {
      if (i > 0) appendStringInfoChar(&text_, '\t');
      write_field(lines_[line][i]);
    }
    appendStringInfoChar(&text_, '\n');
  }
  MemoryContextSwitchTo(before);
  return &text_;
}

}  // namespace nae::columns
