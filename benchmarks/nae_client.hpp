// A client of the agent as PostgreSQL's backend is one: client::Session on a Unix socket.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/closed_loop.hpp"
#include "libnae/client/session.hpp"

namespace nae::benchmarks {

// One action on a number of items; the bytes of the items are kept.
struct Work {
  Action action{};
  std::string key;  // empty for decrypt
  std::vector<Bytes> items;
};

class NaeClient final : public Channel {
 public:
  explicit NaeClient(const std::string& socket_path);
  ~NaeClient() override;

  // What send() asks from now on. `work` outlives its use.
  void use(const Work& work);
  // One request; answers its items.
  std::vector<Bytes> call(const Work& work);

  int descriptor() const override { return descriptor_; }
  void send() override;
  bool receive() override;

 private:
  void write_all();

  int descriptor_;
  client::Session session_;
  const Work* work_ = nullptr;
  std::vector<ByteView> views_;
  std::vector<Bytes>* keep_ = nullptr;  // receive() copies the items here
};

Channels connect_clients(const std::string& socket_path, std::size_t clients, const Work& work);

// `count` plaintexts of `bytes` each.
Work encrypt_work(const std::string& key, std::size_t count, std::size_t bytes);
// Decrypts what `encryption` answers.
Work decrypt_work(const std::string& socket_path, const Work& encryption);

}  // namespace nae::benchmarks
