package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
)

// echo answers every call at once and does nothing else: against it, the client shows what it can do at most.
func echo() {
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		fail(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go answer(connection)
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 64*1024)
	body := make([]byte, 64*1024)
	for {
		length := 0
		for {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
			if value, found := bytes.CutPrefix(line, []byte("content-length: ")); found {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
		}
		if _, err := io.ReadFull(reader, body[:length]); err != nil {
			return
		}
		id, text := between(body[:length], `"id":`, ","), between(body[:length], `"text":"`, `"`)
		message := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s"}]}}`, id, text)
		lines := "HTTP/1.1 200 OK\r\nmcp-session-id: 1\r\ncontent-type: application/json\r\ncontent-length: "
		if _, err := connection.Write([]byte(lines + strconv.Itoa(len(message)) + "\r\n\r\n" + message)); err != nil {
			return
		}
	}
}

func between(data []byte, before, after string) []byte {
	_, rest, _ := bytes.Cut(data, []byte(before))
	found, _, _ := bytes.Cut(rest, []byte(after))
	return found
}
