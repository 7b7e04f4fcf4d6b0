// Boost.JSON is compiled here; whoever links this library uses these definitions.
#include <boost/json/src.hpp>
