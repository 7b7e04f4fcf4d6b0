// What the registers of certificates are read from.
#pragma once

#include "keyserver/protocols/certificate_register.hpp"
#include "keyserver/store/store.hpp"

namespace nae::admin {

// The store must outlive the readers.
protocols::CertificateRegister::Reader device_reader(store::Store& store);
protocols::CertificateRegister::Reader admin_reader(store::Store& store);

}  // namespace nae::admin
