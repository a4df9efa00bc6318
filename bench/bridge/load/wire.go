package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const patience = 20 * time.Second

// wire is one HTTP/1.1 connection.
type wire struct {
	connection net.Conn
	reader     *bufio.Reader
	session    string
	body       []byte
}

func newWire(connection net.Conn) *wire {
	return &wire{connection: connection, reader: bufio.NewReaderSize(connection, 64*1024)}
}

func (wire *wire) close() { _ = wire.connection.Close() }

// exchange sends a request and returns the body of its answer, read to the last byte.
func (wire *wire) exchange(head, body []byte) ([]byte, error) {
	_ = wire.connection.SetDeadline(time.Now().Add(patience))
	if _, err := wire.connection.Write(append(head, body...)); err != nil {
		return nil, err
	}
	length, chunked, err := wire.readHead()
	if err != nil {
		return nil, err
	}
	wire.body = wire.body[:0]
	if !chunked {
		return wire.body, wire.take(length)
	}
	for {
		line, err := wire.reader.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return nil, err
		}
		if err := wire.take(int(size)); err != nil {
			return nil, err
		}
		if _, err := wire.reader.Discard(2); err != nil {
			return nil, err
		}
		if size == 0 {
			return wire.body, nil
		}
	}
}

func (wire *wire) take(length int) error {
	at := len(wire.body)
	for cap(wire.body) < at+length {
		wire.body = append(wire.body[:cap(wire.body)], 0)
	}
	wire.body = wire.body[:at+length]
	_, err := io.ReadFull(wire.reader, wire.body[at:])
	return err
}

func (wire *wire) readHead() (length int, chunked bool, err error) {
	for first := true; ; first = false {
		line, err := wire.reader.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		line = bytes.TrimSpace(line)
		if first {
			if !bytes.HasPrefix(line, []byte("HTTP/1.1 2")) {
				return 0, false, errors.New(string(line))
			}
			continue
		}
		if len(line) == 0 {
			return length, chunked, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("mcp-session-id")):
			wire.session = string(value)
		}
	}
}

// listen opens the standing stream of a session, and leaves it open.
func (wire *wire) listen(session string) error {
	_ = wire.connection.SetDeadline(time.Now().Add(patience))
	head := fmt.Sprintf("GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nmcp-session-id: %s\r\n"+
		"mcp-protocol-version: 2025-06-18\r\n\r\n", *path, session)
	if _, err := wire.connection.Write([]byte(head)); err != nil {
		return err
	}
	_, _, err := wire.readHead()
	return err
}

// open opens a session and returns its id, empty where the bridge has no sessions.
func open(wire *wire) (string, error) {
	body := []byte(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18",` +
		`"capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	if _, err := wire.exchange(head("", len(body)), body); err != nil {
		return "", err
	}
	session := wire.session
	body = []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	_, err := wire.exchange(head(session, len(body)), body)
	return session, err
}

func head(session string, length int) []byte {
	lines := "POST " + *path + " HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n" +
		"accept: application/json, text/event-stream\r\n"
	if *modern {
		lines += "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n"
	} else if session != "" {
		lines += "mcp-session-id: " + session + "\r\nmcp-protocol-version: 2025-06-18\r\n"
	}
	return []byte(lines + "content-length: " + strconv.Itoa(length) + "\r\n\r\n")
}

// call returns a request, and the text that its answer must carry.
func call(id int) (body []byte, text string) {
	text = "text of " + strconv.Itoa(id) + "."
	meta := ""
	if *modern {
		meta = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
			`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},` +
			`"io.modelcontextprotocol/clientCapabilities":{}}`
	}
	return []byte(`{"jsonrpc":"2.0","id":` + strconv.Itoa(id) +
		`,"method":"tools/call","params":{"name":"echo","arguments":{"text":"` + text + `"}` + meta + `}}`), text
}

// right tells whether an answer is the one to this very request.
func right(answer []byte, id int, text string) bool {
	if !bytes.Contains(answer, []byte(text)) || bytes.Contains(answer, []byte(`"isError":true`)) {
		return false
	}
	if *modern && !*lax && !bytes.Contains(answer, []byte(`"resultType"`)) {
		return false
	}
	_, after, found := bytes.Cut(answer, []byte(`"id":`))
	after = bytes.TrimLeft(after, " ")
	number := strconv.Itoa(id)
	return found && bytes.HasPrefix(after, []byte(number)) && len(after) > len(number) && bytes.IndexByte([]byte(",} "), after[len(number)]) >= 0
}
