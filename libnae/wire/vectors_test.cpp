// Frames written by another implementation, from the specification: ours are the same bytes.
#include <gtest/gtest.h>

#include <numeric>

#include "libnae/base/text.hpp"
#include "libnae/wire/context.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::wire {
namespace {

void expect_vector(const char* section, const Bytes& frame) {
  auto vectors = vectors::read("wire.txt", section);
  ASSERT_EQ(vectors.size(), 1u);
  EXPECT_EQ(to_hex(frame), vectors[0].value("frame")) << section;
}

OpenContext context() {
  OpenContext open;
  open.context = 5;
  open.role = {"shop", "clerk", "alice", "alice", {"readers", "staff"}, "psql", "192.0.2.7"};
  return open;
}

TEST(WireVectors, Hello) {
  Bytes hello, reply;
  append_hello(hello, 1, {1, 1, {}, "nae-agent 0.1.0"});
  expect_vector("hello", hello);
  append_hello_reply(reply, 1, {1, {}, "nae-keyserver 0.1.0", "eu-1", 17});
  expect_vector("hello_reply", reply);
}

TEST(WireVectors, State) {
  StateDigest first, second;
  std::iota(first.begin(), first.end(), Byte{0});
  std::iota(second.begin(), second.end(), Byte{32});
  Bytes hello, reply, state;
  append_hello(hello, 1, {1, 2, {}, "nae-agent 0.2.0"});
  expect_vector("hello_of_version_2", hello);
  append_hello_reply(reply, 1, {2, {}, "nae-keyserver 0.2.0", "eu-1", 17, first});
  expect_vector("hello_reply_of_version_2", reply);
  append_state(state, second);
  expect_vector("state", state);
}

TEST(WireVectors, Nodes) {
  StateDigest state;
  std::iota(state.begin(), state.end(), Byte{0});
  const NodeList nodes{"ks1", {{"ks2", "10.0.0.2:7443"}, {"ks3", "[2001:db8::3]:7443"}}};
  Bytes hello, in_charge, follower, alone, pushed;
  append_hello(hello, 1, {1, 3, {}, "nae-agent 0.2.0"});
  expect_vector("hello_of_version_3", hello);
  append_hello_reply(in_charge, 1, {3, {}, "nae-keyserver 0.2.0", "eu-1", 17, state, nodes});
  expect_vector("hello_reply_of_version_3", in_charge);
  append_hello_reply(follower, 1, {3, {}, "nae-keyserver 0.2.0", "eu-1", 17, {}, nodes});
  expect_vector("hello_reply_of_a_follower", follower);
  append_hello_reply(alone, 1, {3, {}, "nae-keyserver 0.2.0", "eu-1", 17, state, {}});
  expect_vector("hello_reply_of_no_group", alone);
  append_node_list(pushed, {"ks3", {{"ks1", "ks1.example:7443"}}});
  expect_vector("nodes", pushed);
}

TEST(WireVectors, Contexts) {
  Bytes claimed, attested, of_user, opened, closed;
  OpenContext open = context();
  append_open_context(claimed, 2, open);
  expect_vector("open_context", claimed);
  open.role.memberships.clear();
  Bytes digest(32);
  std::iota(digest.begin(), digest.end(), Byte{0});
  open.program = {"postgres", 105, "/usr/lib/postgresql/15/bin/postgres", digest,
                  "postgresql@15-main.service"};
  append_open_context(attested, 2, open);
  expect_vector("open_context_attested", attested);
  constexpr std::string_view token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2ln";
  open.user_token.assign(token.begin(), token.end());
  append_open_context(of_user, 2, open);
  expect_vector("open_context_of_user", of_user);
  append_context_opened(opened, 2, 5);
  expect_vector("context_opened", opened);
  append_close_context(closed, 5);
  expect_vector("close_context", closed);
}

TEST(WireVectors, Crypto) {
  const ByteView items[] = {as_bytes("4111 1111 1111 1111"), {}, as_bytes("x")};
  const ByteView one_aad[] = {as_bytes("customer")}, contract[] = {as_bytes("a contract")};
  const ByteView aads[] = {as_bytes("1"), as_bytes("22"), {}};
  Bytes signature{0xd1, 0, 0, 0, 0, 0, 0, 0, 0, 's', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e'};
  const ByteView signatures[] = {signature};
  Bytes encrypt, decrypt, verify, of_one_key, random;
  append_crypto(encrypt, 3,
                {{5, Action::encrypt, 0, "customer-pii", 0x1122334455667788}, items, {}, one_aad});
  expect_vector("crypto_encrypt", encrypt);
  append_crypto(decrypt, 4, {{5, Action::decrypt, 0, "", 0}, items, {}, aads});
  expect_vector("crypto_decrypt_aad_per_item", decrypt);
  append_crypto(verify, 5, {{5, Action::verify, 0, "contracts", 0}, contract, signatures, {}});
  expect_vector("crypto_verify", verify);
  append_crypto(of_one_key, 8,
                {{5, Action::decrypt, 0, "customer-pii", 0}, {items, 1}, {}, one_aad});
  expect_vector("crypto_decrypt_of_one_key", of_one_key);
  const Bytes wanted[] = {{0, 0, 0, 8}, {0, 0, 0, 0}, {0, 0, 4, 1}};
  const ByteView bytes_wanted[] = {wanted[0], wanted[1], wanted[2], as_bytes("abc")};
  append_crypto(random, 9, {{5, Action::random, 0, "", 0}, bytes_wanted, {}, {}});
  expect_vector("crypto_random", random);
}

TEST(WireVectors, PrivateKeys) {
  Bytes ciphertext(256), point(65), decrypt, derive;
  std::iota(ciphertext.begin(), ciphertext.end(), Byte{0});
  point[0] = 4;
  std::iota(point.begin() + 1, point.end(), Byte{0});
  const ByteView item(ciphertext), label(as_bytes("a label")), other(point);
  append_crypto(decrypt, 10,
                {{5, Action::decrypt, 0xe1, "mail:2", 0}, {&item, 1}, {}, {&label, 1}});
  expect_vector("crypto_decrypt_by_scheme", decrypt);
  append_crypto(derive, 11, {{5, Action::derive, 0, "kex", 0}, {&other, 1}, {}, {}});
  expect_vector("crypto_derive", derive);
}

TEST(WireVectors, CryptoReply) {
  Bytes frame;
  CryptoReplyWriter writer(frame, 3, 4, 0);
  auto put = [&](ItemResult result, std::string_view value) {
    std::ranges::copy(value, writer.begin_item(value.size()).begin());
    writer.finish_item(result, value.size());
  };
  put(ItemResult::value, "value");
  put(ItemResult::null, "");
  put(ItemResult::masked, "1111");
  writer.fail_item(Code::authentication_failed);
  writer.finish();
  expect_vector("crypto_reply", frame);
}

TEST(WireVectors, TheRest) {
  Bytes error, ping, pong, epoch, key_ids, lookup, reply;
  append_error(error, 3, {{Code::denied, "role clerk may not decrypt", "ask"}, 1500});
  expect_vector("error", error);
  append_empty_frame(ping, FrameType::ping, 6);
  expect_vector("ping", ping);
  append_empty_frame(pong, FrameType::pong, 6);
  expect_vector("pong", pong);
  append_epoch(epoch, 18);
  expect_vector("epoch", epoch);
  append_lookup(key_ids, 7, {5, LookupSubject::key_ids});
  expect_vector("lookup_of_key_ids", key_ids);
  append_lookup(lookup, 7, {5, LookupSubject::keys});
  expect_vector("lookup", lookup);
  append_lookup_reply(reply, 7, {{"name", "state"}, {{"a", "active"}, {"b", std::nullopt}}});
  expect_vector("lookup_reply", reply);
}

}  // namespace
}  // namespace nae::wire
