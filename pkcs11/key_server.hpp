// KeyServer: what calls of PKCS#11 ask, each as one exchange that goes on while agent and key
// server are away for a while. Any thread.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <mutex>

#include "libnae/wire/crypto_message.hpp"
#include "pkcs11/cipher_mechanism.hpp"
#include "pkcs11/link_pool.hpp"
#include "pkcs11/object.hpp"
#include "pkcs11/settings.hpp"

namespace nae::pkcs11 {

class KeyServer {
 public:
  explicit KeyServer(const Settings& settings) : settings_(settings), pool_(settings.socket) {}

  // On whose behalf from here on; empty: the program's alone.
  void act_for(Bytes user_token);
  // Whether this user token is accepted: Code::user_token_rejected. Nobody else asks by it.
  Result<void> check_user(const Bytes& user_token);

  // What was listed under the epoch in force; asked anew when that, the user or the connection has
  // changed.
  Result<std::shared_ptr<const ObjectTable>> objects();
  // As listed last; nullptr before.
  std::shared_ptr<const ObjectTable> known_objects();

  // The one item's result. What is read or verified is asked until its time is over; a signature or
  // code whose answer was lost is asked for once more: Code::connection_lost. `second`: of verify
  // and mac-verify what is checked, of decrypt a label.
  Result<Bytes> ask(Action action, std::uint8_t algorithm, const std::string& key, ByteView item,
                    ByteView second = {});
  // The same of AES by the caller's mode: equal for equal questions, so that it may be asked again.
  Result<Bytes> cipher(const CipherUse& use, const std::string& key, ByteView item);
  void close() { pool_.close(); }

 private:
  using Queue = std::function<Result<std::uint64_t>(client::Session&)>;
  using Read = std::function<Result<void>(const wire::Frame&, AgentLink&)>;
  Result<Bytes> ask(const wire::CryptoRequest& request);
  // Ends at the `most_losses`-th answer that was lost, whether the agent or a key server lost it.
  // `user_token`: instead of that in force.
  Result<void> exchange(const Queue& queue, const Read& read,
                        int most_losses = std::numeric_limits<int>::max(),
                        const Bytes* user_token = nullptr);
  Result<void> exchange_once(const Queue& queue, const Read& read, TimePoint deadline,
                             const Bytes* user_token);
  Result<LinkPool::Turn> take_living(TimePoint deadline);
  bool is_current(const AgentLink& link);

  const Settings settings_;
  LinkPool pool_;
  std::mutex lock_;  // of what follows; held for no exchange
  Bytes user_token_;
  std::shared_ptr<const ObjectTable> objects_;
  std::uint64_t epoch_of_objects_ = 0;
  bool is_stale_ = true;  // the user changed, or a connection was lost
};

}  // namespace nae::pkcs11
