//! What the state of a chain answers, many questions at once.

use packtrain_core::ports::{Question, Word};
use serde_json::{Value, json};

use super::provider::Call;
use super::quantity::{hex, hex_of};
use super::{Rpc, RpcError, wire};

/// Questions of one request: as many as go to a node at once, so that one that it refuses is asked
/// for again with few others.
const QUESTIONS: usize = 16;
/// Gas of one question, at most: far more than any honest answer takes, and little enough that
/// contracts which burn it keep no request from its end.
const CALL_GAS: u64 = 5_000_000;

impl Rpc {
    /// Answers, in order, as of a block; none where a contract reverts or breaks off, is none, or
    /// answers with less than a word.
    ///
    /// # Errors
    /// As [`Rpc::head`], also when a node takes one of the questions for no question.
    pub async fn words(
        &self,
        questions: &[Question],
        block: u64,
    ) -> Result<Vec<Option<Word>>, RpcError> {
        let mut words = Vec::with_capacity(questions.len());
        for some in questions.chunks(QUESTIONS) {
            match self.some_words(some, block).await {
                Ok(answers) => words.extend(answers),
                Err(error) if error.is_of_the_call() => {
                    // One of them is to blame, and the others are not.
                    for one in some {
                        words.push(self.one_word(one, block).await?);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(words)
    }

    async fn one_word(&self, question: &Question, block: u64) -> Result<Option<Word>, RpcError> {
        match self.some_words(std::slice::from_ref(question), block).await {
            Ok(answers) => Ok(answers.into_iter().next().flatten()),
            Err(error) if error.is_of_a_contract() => Ok(None),
            // That a node did not take the call says nothing of the contract.
            Err(error) => Err(error),
        }
    }

    async fn some_words(
        &self,
        questions: &[Question],
        block: u64,
    ) -> Result<Vec<Option<Word>>, RpcError> {
        let calls: Vec<Call> = questions.iter().map(|one| call(one, block)).collect();
        let read = |values: Vec<Value>| {
            let answers = questions.iter().zip(values);
            answers
                .map(|(question, value)| answer(question, value))
                .collect()
        };
        self.ask_contracts(&calls, read).await
    }
}

fn call(question: &Question, block: u64) -> Call {
    match question {
        Question::Balance(address) => Call {
            method: "eth_getBalance",
            params: json!([hex_of(address), hex(block)]),
        },
        Question::Call { to, data } => Call {
            method: "eth_call",
            params: json!([
                { "to": hex_of(to), "data": hex_of(data), "gas": hex(CALL_GAS) },
                hex(block),
            ]),
        },
    }
}

fn answer(question: &Question, value: Value) -> Result<Option<Word>, String> {
    match question {
        Question::Balance(_) => wire::balance(value).map(Some),
        Question::Call { .. } => wire::word(value),
    }
}
