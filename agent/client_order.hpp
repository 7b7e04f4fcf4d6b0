// ClientOrder: clients by when they last had something to do, for one to give its place to a new
// one. A backend connects anew at its next call; one that cannot connect at all is an error.
#pragma once

#include <list>

namespace nae::net {
class Connection;
}

namespace nae::agent {

// A client, as one who may give up its place.
class Seated {
 public:
  virtual ~Seated() = default;
  // Nothing of it is under way, neither here nor unread in its socket.
  virtual bool idle() const = 0;
  // No program of the table: it will be refused as soon as it says anything.
  virtual bool stranger() const = 0;
  virtual net::Connection& connection() = 0;
};

class ClientOrder {
 public:
  using Place = std::list<Seated*>::iterator;

  Place add(Seated& client) { return clients_.insert(clients_.end(), &client); }
  // It has something to do now.
  void touch(Place place) { clients_.splice(clients_.end(), clients_, place); }
  void remove(Place place) { clients_.erase(place); }

  // A stranger, or else who is idle for longest; nullptr when all are busy.
  Seated* spare() const {
    Seated* longest_idle = nullptr;
    for (Seated* client : clients_) {
      if (client->stranger()) return client;
      if (longest_idle == nullptr && client->idle()) longest_idle = client;
    }
    return longest_idle;
  }

 private:
  std::list<Seated*> clients_;  // the one that was touched last is the last
};

}  // namespace nae::agent
