import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.UUID;

/** Encrypted columns through JDBC; prints a line for each check: "ok NAME" or "not ok NAME: got". */
public class Columns {
    static final UUID REF = UUID.fromString("c4ca4238-a0b9-2382-0dcc-509a6f75849b");
    static final OffsetDateTime SEEN = OffsetDateTime.parse("2024-02-29T12:30:15.123456Z");
    static final byte[] PHOTO = {0, -1, 1};

    static void check(String name, Object got, Object wanted) {
        boolean same = wanted == null ? got == null : wanted.equals(got);
        System.out.println(same ? "ok " + name : "not ok " + name + ": " + got + ", wanted " + wanted);
    }

    public static void main(String[] arguments) throws Exception {
        for (String options : new String[] {"", "&prepareThreshold=1", "&prepareThreshold=-1", "&preferQueryMode=simple",
                                            "&stringtype=unspecified", "&reWriteBatchedInserts=true"}) {
            try (Connection connection = DriverManager.getConnection(arguments[0] + options)) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("SET ROLE nae_all; SET timezone = 'UTC'; DELETE FROM customer");
                }
                run(connection, "JDBC" + options);
            }
        }
    }

    static void run(Connection connection, String name) throws SQLException {
        insert(connection, name);
        insertNulls(connection, name);
        read(connection, name);
        search(connection, name);
        update(connection, name);
        fetchInPortions(connection, name);
        refuseDuplicate(connection, name);
    }

    static void insert(Connection connection, String name) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO customer (id, ssn, note, salary, photo, age, balance, "
                + "vip, born, seen, ref) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
            for (int n = 1; n <= 20; n++) {
                insert.setInt(1, n);
                insert.setString(2, "ssn-" + n);
                insert.setString(3, "h\u00e9llo " + n);
                insert.setBigDecimal(4, new BigDecimal("12345.6789"));
                if (name.contains("=simple")) {
                    insert.setObject(5, "\\x00ff01", Types.OTHER);  // setBytes fails there, for plain bytea too
                } else {
                    insert.setBytes(5, PHOTO);
                }
                insert.setInt(6, n);
                insert.setLong(7, 1L << 40);
                insert.setBoolean(8, true);
                insert.setObject(9, LocalDate.of(1999, 12, 31));
                insert.setObject(10, SEEN);
                insert.setObject(11, REF);
                if (n <= 10) {
                    insert.executeUpdate();
                } else {
                    insert.addBatch();
                }
            }
            check(name + ": a batch", Arrays.stream(insert.executeBatch()).filter(count -> count == 1 || count == Statement.SUCCESS_NO_INFO).count(), 10L);
        }
    }

    static void insertNulls(Connection connection, String name) throws SQLException {
        try (PreparedStatement nulls = connection.prepareStatement("INSERT INTO customer (id, ssn, age, born) VALUES (?, ?, ?, ?)")) {
            nulls.setInt(1, 100);
            nulls.setNull(2, Types.VARCHAR);
            nulls.setNull(3, Types.INTEGER);
            nulls.setNull(4, Types.DATE);
            check(name + ": NULLs", nulls.executeUpdate(), 1);
        }
    }

    static void read(Connection connection, String name) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT id, ssn, note, salary, photo, age, balance, vip, born, seen, ref "
                + "FROM customer WHERE ssn = ?")) {
            for (int n = 1; n <= 20; n++) {
                select.setString(1, "ssn-" + n);
                try (ResultSet row = select.executeQuery()) {
                    row.next();
                    String at = name + ", row " + n;
                    check(at + ": id", row.getInt(1), n);
                    check(at + ": text", row.getString("note"), "h\u00e9llo " + n);
                    check(at + ": object", row.getObject("note"), "h\u00e9llo " + n);
                    check(at + ": numeric", row.getBigDecimal("salary"), new BigDecimal("12345.6789"));
                    check(at + ": bytea", Arrays.equals(row.getBytes("photo"), PHOTO), true);
                    check(at + ": int4", row.getInt("age"), n);
                    check(at + ": int8", row.getLong("balance"), 1L << 40);
                    check(at + ": bool", row.getBoolean("vip"), true);
                    check(at + ": date", row.getObject("born", LocalDate.class), LocalDate.of(1999, 12, 31));
                    check(at + ": timestamptz", row.getObject("seen", OffsetDateTime.class).toInstant(), SEEN.toInstant());
                    check(at + ": uuid", row.getObject("ref"), REF);
                    ResultSetMetaData data = row.getMetaData();
                    check(at + ": types", data.getColumnTypeName(2) + data.getColumnTypeName(4) + data.getColumnTypeName(9), "textnumericdate");
                }
            }
        }
    }

    static void search(Connection connection, String name) throws SQLException {
        for (int n = 0; n < 7; n++) {
            found(connection, name, "age = ?", 3);
            found(connection, name, "born = ? AND id = 3", LocalDate.of(1999, 12, 31));
            found(connection, name, "ref = ? AND id = 3", REF);
            found(connection, name, "salary < ? AND id = 3", new BigDecimal("20000"));
            found(connection, name, "note = ?", "h\u00e9llo 3");
        }
        try (PreparedStatement any = connection.prepareStatement("SELECT count(*) FROM customer WHERE ssn = ANY (?)")) {
            any.setArray(1, connection.createArrayOf("text", new String[] {"ssn-1", "ssn-20", "none"}));
            try (ResultSet row = any.executeQuery()) {
                row.next();
                check(name + ": ANY of an array", row.getInt(1), 2);
            }
        }
    }

    static void update(Connection connection, String name) throws SQLException {
        try (Statement keys = connection.createStatement()) {
            keys.executeUpdate("INSERT INTO customer (note) VALUES ('returned')", new String[] {"note"});
            keys.getGeneratedKeys().next();
            try (Statement updatable = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
                 ResultSet rows = updatable.executeQuery("SELECT id, note FROM customer WHERE id = 5")) {
                rows.next();
                rows.updateString("note", "updated");
                rows.updateRow();
            }
        }
        found(connection, name, "note = ? AND id = 5", "updated");
    }

    static void fetchInPortions(Connection connection, String name) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement fetching = connection.createStatement()) {
            fetching.setFetchSize(3);
            try (ResultSet rows = fetching.executeQuery("SELECT note FROM customer WHERE id <= 20 ORDER BY id")) {
                int count = 0;
                while (rows.next()) {
                    count += rows.getString(1).isEmpty() ? 0 : 1;
                }
                check(name + ": rows fetched in portions", count, 20);
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    static void refuseDuplicate(Connection connection, String name) throws SQLException {
        try (PreparedStatement twice = connection.prepareStatement("INSERT INTO customer (ssn) VALUES (?)")) {
            twice.setString(1, "ssn-1");
            twice.executeUpdate();
            check(name + ": a unique violation", "none", "23505");
        } catch (SQLException error) {
            check(name + ": a unique violation", error.getSQLState() + error.getMessage().contains("ssn-1"), "23505false");
        }
    }

    static void found(Connection connection, String name, String condition, Object value) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT count(*) FROM customer WHERE " + condition)) {
            select.setObject(1, value);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                check(name + ": " + condition, row.getInt(1), 1);
            }
        }
    }
}
