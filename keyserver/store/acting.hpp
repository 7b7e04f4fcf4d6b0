// Acting: for whom this thread changes the store. A call of an administrator runs on one thread
// from its beginning to its end, through parts that know no administrators; the ledger names him.
#pragma once

#include <string>

namespace nae::store {

// Until it goes, changes made by this thread are `who`'s; after it, whose they were before.
class Acting {
 public:
  explicit Acting(std::string who);
  ~Acting();
  Acting(const Acting&) = delete;
  Acting& operator=(const Acting&) = delete;

  // "" when nobody acts: the key server by itself.
  static const std::string& who();

 private:
  std::string before_;
};

}  // namespace nae::store
