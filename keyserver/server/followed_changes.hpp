// FollowedChanges: brings in force in memory what another key server, which is in charge, has
// changed in the store. docs/spec/group.md, F2.
#pragma once

#include <vector>

#include "keyserver/keys/key_ring.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "keyserver/policy/policy_book.hpp"
#include "keyserver/protocols/certificate_register.hpp"
#include "keyserver/store/ledger.hpp"

namespace nae::server {

class FollowedChanges {
 public:
  struct Parts {
    store::Ledger& ledger;
    keys::KeyRing& ring;
    policy::PolicyBook& policy;
    protocols::CertificateRegister& devices;
    protocols::CertificateRegister& admins;
    keys::WorkingKeys& working_keys;
  };
  explicit FollowedChanges(const Parts& parts) : parts_(parts) {}

  // All that has changed in the store since the last call, each row compared with the ledger;
  // answers up to which change. Requests that come afterwards are decided by it.
  // Code::server_unavailable when somebody changes the store faster than it can be read; what was
  // to be read is read by the next call then. One thread.
  Result<store::LedgerPoint> take_in();

 private:
  Result<void> find_touched(const store::LedgerPoint& head);
  Result<void> read_rows();
  void forget_changed(const std::vector<keys::KeyPointer>& before);

  // What the server keeps in memory of a store, each read as a whole.
  struct Touched {
    bool keys = true, policy = true, devices = true, admins = true;
    void add(store::Noun noun);
  };
  const Parts parts_;
  Touched touched_;          // and not read yet; at first all
  store::LedgerPoint seen_;  // up to here touched_ is known
};

}  // namespace nae::server
