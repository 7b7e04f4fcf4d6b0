#include "libnae/wire/context.hpp"

#include "libnae/wire/frame.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::wire {
namespace {

constexpr std::size_t kSha256Bytes = 32;

void put_program(ByteWriter& w, const ProgramAttestation& program) {
  w.text(program.name);
  w.u32(program.uid);
  w.text(program.executable);
  w.u8(static_cast<std::uint8_t>(program.executable_sha256.size()));
  w.raw(program.executable_sha256);
  w.text(program.systemd_unit);
}

ProgramAttestation get_program(ByteReader& in) {
  ProgramAttestation program;
  program.name = in.text();
  program.uid = in.u32();
  program.executable = in.text();
  ByteView digest = in.raw(in.u8());
  program.executable_sha256.assign(digest.begin(), digest.end());
  program.systemd_unit = in.text();
  return program;
}

void append_number(Bytes& out, FrameType type, std::uint64_t request_id, std::uint32_t context) {
  std::size_t at = begin_frame(out, type, request_id);
  ByteWriter(out).u32(context);
  finish_frame(out, at);
}

}  // namespace

void append_open_context(Bytes& out, std::uint64_t request_id, const OpenContext& open) {
  std::size_t at = begin_frame(out, FrameType::open_context, request_id);
  ByteWriter w(out);
  w.u32(open.context);
  w.text(open.role.database);
  w.text(open.role.effective_role);
  w.text(open.role.session_role);
  w.text(open.role.login_role);
  w.text(open.role.application_name);
  w.text(open.role.client_address);
  w.u16(static_cast<std::uint16_t>(open.role.memberships.size()));
  for (const std::string& role : open.role.memberships) w.text(role);
  w.text(as_text(open.user_token));
  w.u8(open.program ? 1 : 0);
  if (open.program) put_program(w, *open.program);
  finish_frame(out, at);
}

Result<OpenContext> parse_open_context(ByteView body) {
  ByteReader in(body);
  OpenContext open;
  open.context = in.u32();
  open.role.database = in.text();
  open.role.effective_role = in.text();
  open.role.session_role = in.text();
  open.role.login_role = in.text();
  open.role.application_name = in.text();
  open.role.client_address = in.text();
  std::uint16_t memberships = in.u16();
  if (memberships > kMaxMemberships)
    return fail(Code::protocol_violation,
                "context names more than " + std::to_string(kMaxMemberships) + " memberships");
  for (std::uint16_t i = 0; i < memberships && in.ok(); ++i)
    open.role.memberships.emplace_back(in.text());
  // Without the token, which has a limit of its own, and the program, which only the agent adds:
  // what it takes from a backend a key server takes from it.
  if (body.size() - in.remaining() > kMaxRoleClaimBytes)
    return fail(Code::protocol_violation,
                "context of more than " + std::to_string(kMaxRoleClaimBytes) + " bytes");
  ByteView token = in.raw(in.u16());  // no more than kMaxUserTokenBytes
  open.user_token.assign(token.begin(), token.end());
  std::uint8_t has_program = in.u8();
  if (has_program == 1) open.program = get_program(in);
  if (!in.complete() || has_program > 1) return fail(Code::protocol_violation, "malformed context");
  if (open.program && !open.program->executable_sha256.empty() &&
      open.program->executable_sha256.size() != kSha256Bytes)
    return fail(Code::protocol_violation, "executable digest is not 32 bytes");
  return open;
}

void append_context_opened(Bytes& out, std::uint64_t request_id, std::uint32_t context) {
  append_number(out, FrameType::context_opened, request_id, context);
}

void append_close_context(Bytes& out, std::uint32_t context) {
  append_number(out, FrameType::close_context, 0, context);
}

Result<std::uint32_t> parse_context_number(ByteView body) {
  ByteReader in(body);
  std::uint32_t context = in.u32();
  if (!in.complete()) return fail(Code::protocol_violation, "malformed context number");
  return context;
}

}  // namespace nae::wire
