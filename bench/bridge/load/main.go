// Load client of `make bench-bridge`: tools/call over raw keep-alive connections. Every request has an id and a text of
// its own; its answer is read to the last byte and checked for both. Prints one JSON object.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

type report struct {
	Calls   int64   `json:"calls"`
	Wrong   int64   `json:"wrong"`
	Errors  int64   `json:"errors"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	First   string  `json:"first_error"`
}

var (
	address     = flag.String("address", "127.0.0.1:8080", "where the bridge listens")
	path        = flag.String("path", "/mcp", "its endpoint")
	connections = flag.Int("connections", 1, "calls at a time")
	length      = flag.Duration("length", time.Second, "how long to call")
	modern      = flag.Bool("modern", false, "speak 2026-07-28 instead of a session of 2025-06-18")
	lax         = flag.Bool("lax", false, "do not ask for what 2026-07-28 requires of a result")
	own         = flag.Bool("own-sessions", false, "a session for each connection, instead of one for all")
	streams     = flag.Bool("streams", false, "hold the standing stream of each session open meanwhile")
	serve       = flag.Bool("serve", false, "be the server that shows what this client can do at most")
)

func main() {
	flag.Parse()
	if *serve {
		echo()
		return
	}
	shared := ""
	if !*modern && !*own {
		var err error
		if shared, err = open(dial()); err != nil {
			fail(err)
		}
	}
	found := run(shared)
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func dial() *wire {
	connection, err := net.Dial("tcp", *address)
	if err != nil {
		fail(err)
	}
	return newWire(connection)
}

// run calls on all connections at once, until the time is over.
func run(shared string) report {
	var total report
	var latencies []float64
	var lock sync.Mutex
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	var stop atomic.Bool
	for number := range *connections {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			mine, taken := callAlone(number, shared, &ready, begin, &stop)
			lock.Lock()
			defer lock.Unlock()
			total.Calls += mine.Calls
			total.Wrong += mine.Wrong
			total.Errors += mine.Errors
			if mine.First != "" {
				total.First = mine.First
			}
			latencies = append(latencies, taken...)
		}()
	}
	ready.Wait()
	began := time.Now()
	close(begin)
	time.AfterFunc(*length, func() { stop.Store(true) })
	done.Wait()
	total.Seconds = time.Since(began).Seconds()
	slices.Sort(latencies)
	if len(latencies) > 0 {
		total.P50 = latencies[len(latencies)/2]
		total.P99 = latencies[len(latencies)*99/100]
	}
	return total
}

// callAlone makes one call after the other on a connection of its own.
func callAlone(number int, session string, ready *sync.WaitGroup, begin chan struct{}, stop *atomic.Bool) (report, []float64) {
	var mine report
	wire := dial()
	defer wire.close()
	if *own && !*modern {
		var err error
		if session, err = open(wire); err != nil {
			mine.Errors, mine.First = 1, err.Error()
		}
	}
	if *streams && session != "" {
		held := dial()
		defer held.close()
		if err := held.listen(session); err != nil {
			mine.Errors, mine.First = 1, err.Error()
		}
	}
	ready.Done()
	<-begin
	latencies := make([]float64, 0, 1<<16)
	for turn := 0; !stop.Load(); turn++ {
		id := number*10_000_000 + turn + 1
		body, text := call(id)
		began := time.Now()
		answer, err := wire.exchange(head(session, len(body)), body)
		latencies = append(latencies, float64(time.Since(began).Microseconds())/1000)
		mine.Calls++
		if err != nil {
			mine.Errors++
			mine.First = err.Error()
			return mine, latencies
		}
		if !right(answer, id, text) {
			mine.Wrong++
			mine.First = string(answer)
		}
	}
	return mine, latencies
}
