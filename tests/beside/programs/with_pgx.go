// What applications do with pgx, which sends and reads binary values: with_pgx HOST SCHEMA. One line for each answer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

const columns = "ssn, name, email, age, balance, born, seen, vip, ref, doc"

var ctx = context.Background()

func tell(c *pgx.Conn, query string, values ...interface{}) {
	rows, err := c.Query(ctx, query, values...)
	if err != nil {
		failed(err)
		return
	}
	defer rows.Close()
	for _, field := range rows.FieldDescriptions() {
		fmt.Print(string(field.Name), " ", field.DataTypeOID, " ")
	}
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			panic(err)
		}
		text, _ := json.Marshal(row)
		fmt.Print(string(text))
	}
	fmt.Println(rows.CommandTag())
	if rows.Err() != nil {
		failed(rows.Err())
	}
}

func failed(err error) {
	var told *pgconn.PgError
	if !errors.As(err, &told) {
		panic(err)
	}
	fmt.Println(told.Code, told.ConstraintName)
}

func main() {
	c, err := pgx.Connect(ctx, fmt.Sprintf("host=%s user=nae_all dbname=nae_test search_path=%s,public timezone=UTC", os.Args[1], os.Args[2]))
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)
	born, seen := time.Date(1983, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC)
	ref := "00000000-0000-0000-0000-000000000007"
	tell(c, "INSERT INTO customer ("+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id, "+columns,
		"new-1", "Zoë", "zoe@example.org", 41, "10.50", born, seen, true, ref, map[string]interface{}{"a": []interface{}{1, "x"}})
	tell(c, "SELECT "+columns+" FROM customer WHERE ssn = $1 AND ref = $2 AND born = $3 AND age > $4 AND vip = $5 AND seen <= $6", "new-1", ref, born, 40, true, seen)
	tell(c, "SELECT name FROM customer WHERE ssn = ANY($1) AND age = ANY($2) ORDER BY name", []string{"canary-7f3a-1", "new-1"}, []int32{21, 41})
	tell(c, "UPDATE customer SET balance = balance * $1, age = age + $2 WHERE ssn = $3 RETURNING balance, age", 2, 1, "new-1")
	tell(c, "SELECT c.name, sum(p.price) FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE p.price > $1 GROUP BY c.id ORDER BY 2 DESC LIMIT $2", 50, 5)
	batch := &pgx.Batch{}
	for n := 0; n < 50; n++ {
		batch.Queue("INSERT INTO customer (ssn, name, age) VALUES ($1, $2, $3)", fmt.Sprintf("many-%d", n), fmt.Sprintf("many %d", n), n)
	}
	if err := c.SendBatch(ctx, batch).Close(); err != nil {
		panic(err)
	}
	var copied [][]interface{}
	for n := 0; n < 50; n++ {
		copied = append(copied, []interface{}{fmt.Sprintf("copied-%d", n), fmt.Sprintf("copied %d", n), int32(n), born, map[string]interface{}{"n": n}})
	}
	count, err := c.CopyFrom(ctx, pgx.Identifier{"customer"}, []string{"ssn", "name", "age", "born", "doc"}, pgx.CopyFromRows(copied))
	if err != nil {
		panic(err)
	}
	fmt.Println(count)
	tell(c, "SELECT count(*), sum(age), min(born), max(doc ->> 'n') FROM customer WHERE name LIKE $1", "copied%")
	var name string
	var age *int32
	for n := 0; n < 12; n++ { // the plan becomes a generic one on the way
		if err := c.QueryRow(ctx, "SELECT name, age FROM customer WHERE ssn = $1", fmt.Sprintf("many-%d", n)).Scan(&name, &age); err != nil {
			panic(err)
		}
		fmt.Println(name, *age)
	}
	tell(c, "INSERT INTO customer (ssn) VALUES ($1)", "new-1")
	tell(c, "SELECT 1 / (age - age) FROM customer WHERE ssn = $1", "new-1")
	undone := c.BeginFunc(ctx, func(t pgx.Tx) error {
		tag, err := t.Exec(ctx, "DELETE FROM customer WHERE age > $1", 30)
		fmt.Println(tag, err)
		return errors.New("undone")
	})
	fmt.Println(undone)
	tell(c, "SELECT count(*) FROM customer")
}
