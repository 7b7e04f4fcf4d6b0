#include "libnae/wire/lookup.hpp"

#include "libnae/wire/frame.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::wire {
namespace {

// A cell is at least a presence byte: more rows than bytes cannot be real, so the counts of a
// hostile message never decide how much memory is taken.
bool plausible(std::size_t columns, std::size_t rows, const ByteReader& in) {
  return columns > 0 && columns <= 64 && rows <= kMaxLookupCells / columns &&
         rows <= in.remaining() / columns;
}

}  // namespace

void append_lookup(Bytes& out, std::uint64_t request_id, const Lookup& lookup) {
  std::size_t at = begin_frame(out, FrameType::lookup, request_id);
  ByteWriter w(out);
  w.u32(lookup.context);
  w.u8(static_cast<std::uint8_t>(lookup.subject));
  finish_frame(out, at);
}

Result<Lookup> parse_lookup(ByteView body) {
  ByteReader in(body);
  Lookup lookup;
  lookup.context = in.u32();
  lookup.subject = static_cast<LookupSubject>(in.u8());
  if (!in.complete()) return fail(Code::protocol_violation, "malformed lookup");
  switch (lookup.subject) {
    case LookupSubject::whoami:
    case LookupSubject::keys:
    case LookupSubject::key_ids:
    case LookupSubject::objects:
    case LookupSubject::agent_stats:
      return lookup;
  }
  return fail(Code::unsupported, "this lookup is not known here");
}

void append_lookup_reply(Bytes& out, std::uint64_t request_id, const Table& table) {
  std::size_t at = begin_frame(out, FrameType::lookup_reply, request_id);
  ByteWriter w(out);
  w.u16(static_cast<std::uint16_t>(table.columns.size()));
  for (const std::string& column : table.columns) w.text(column);
  w.u32(static_cast<std::uint32_t>(table.rows.size()));
  for (const auto& row : table.rows)
    for (const auto& cell : row) {
      w.u8(cell ? 1 : 0);
      if (cell) w.text(*cell);
    }
  finish_frame(out, at);
}

Result<Table> parse_lookup_reply(ByteView body) {
  ByteReader in(body);
  Table table;
  std::uint16_t columns = in.u16();
  for (std::uint16_t i = 0; i < columns && in.ok(); ++i) table.columns.emplace_back(in.text());
  std::uint32_t rows = in.u32();
  if (!in.ok() || !plausible(columns, rows, in))
    return fail(Code::protocol_violation, "malformed lookup reply");
  table.rows.reserve(rows);
  for (std::uint32_t r = 0; r < rows && in.ok(); ++r) {
    auto& row = table.rows.emplace_back();
    for (std::uint16_t c = 0; c < columns; ++c) {
      std::uint8_t present = in.u8();
      if (present > 1) return fail(Code::protocol_violation, "malformed lookup reply");
      if (present)
        row.emplace_back(in.text());
      else
        row.emplace_back(std::nullopt);
    }
  }
  if (!in.complete()) return fail(Code::protocol_violation, "malformed lookup reply");
  return table;
}

}  // namespace nae::wire
