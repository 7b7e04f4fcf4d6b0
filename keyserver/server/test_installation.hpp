// For tests: a directory as `nae-keyserver init` makes it, with a token of SoftHSM2 of its own, and
// its configuration. Needs the secure heap.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "keyserver/config/config.hpp"
#include "keyserver/setup/initialise.hpp"
#include "libnae/base/file.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "net/blocking_client.hpp"

namespace nae::server {

class InstallationTest : public testing::Test {
 protected:
  InstallationTest() {
    std::string name = (std::filesystem::temp_directory_path() / "nae-server-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    setup::Choices choices;
    choices.directory = directory_ / "server";
    choices.port = 0;
    auto made = setup::initialise(choices);
    if (!made) throw std::runtime_error(made.error().message);
    server_id_ = made->server_id;
    auto config = config::load(made->configuration);
    if (!config) throw std::runtime_error(config.error().message);
    config_ = *std::move(config);
  }
  ~InstallationTest() override { std::filesystem::remove_all(directory_); }

  // The whole answer to a request of the administrator; each on a connection of its own.
  Result<std::string> ask(const std::string& method, const std::string& path) const {
    const std::filesystem::path admin = directory_ / "server/admin";
    NAE_ASSIGN(
        const auto context,
        net::TlsContext::client({admin / "admin.pem", admin / "admin.key", admin / "authority.pem"},
                                {net::kAlpnHttp}));
    NAE_ASSIGN(auto client,
               net::testing::BlockingClient::connect_tls(context, config_.server.port));
    NAE_TRY(client.write(as_bytes(method + " " + path +
                                  " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                                  "Connection: close\r\n\r\n")));
    std::string answer;
    Bytes room(4096);
    while (auto got = client.read_some(room)) answer += as_text(ByteView(room).first(*got));
    return answer;
  }
  static void write(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::trunc) << text;
  }

  std::filesystem::path directory_;
  std::string server_id_;
  config::Config config_;
};

}  // namespace nae::server
