//! The stack machine that a pickle is a program for, as far as pictures need it.

use super::array::{Array, Order};
use super::cursor::Cursor;
use super::opcode as op;
use super::refused::{Refusal, Refused, Shape, printable};
use super::value::{Global, Span, Value};

/// The most opcodes of a pickle. Numpy uses 65 at most; it bounds the stack, the memo and all tuples with it.
pub const MAX_OPCODES: usize = 100;

/// Runs a pickle from its first byte to its last.
pub(super) fn run(pickle: &[u8]) -> Result<Array<'_>, Refused> {
    let mut machine = Machine {
        cursor: Cursor::new(pickle),
        stack: Vec::with_capacity(MAX_OPCODES),
        marks: Vec::new(),
        items: Vec::with_capacity(MAX_OPCODES),
        memo: Vec::with_capacity(MAX_OPCODES),
    };
    let mut at = 0;
    machine.run(&mut at).map_err(|what| Refused { what, at })
}

struct Machine<'a> {
    cursor: Cursor<'a>,
    stack: Vec<Value<'a>>,
    /// Where the stack stood at each mark that is open.
    marks: Vec<usize>,
    /// The items of all tuples made.
    items: Vec<Value<'a>>,
    memo: Vec<(usize, Value<'a>)>,
}

impl<'a> Machine<'a> {
    /// `at` is where the opcode stands that is at work.
    fn run(&mut self, at: &mut usize) -> Result<Array<'a>, Refusal> {
        let begins_well = matches!((self.cursor.u8(), self.cursor.u8()), (Ok(op::PROTO), Ok(2..=5)));
        if !begins_well {
            return Err(Refusal::Protocol);
        }
        for _ in 1..MAX_OPCODES {
            *at = self.cursor.position();
            let opcode = self.cursor.u8()?;
            if opcode == op::STOP {
                return self.stop();
            }
            self.step(opcode)?;
        }
        *at = self.cursor.position();
        Err(Refusal::TooManyOpcodes)
    }

    fn step(&mut self, opcode: u8) -> Result<(), Refusal> {
        let value = match opcode {
            // Says how far may be read ahead; all of it is here already.
            op::FRAME => return self.cursor.len_u64().map(drop),
            op::MARK => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            op::NONE => Value::None,
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::BININT => Value::Int(self.cursor.i32()?),
            op::BININT1 => Value::Int(self.cursor.u8()?.into()),
            op::BININT2 => Value::Int(self.cursor.u16()?.into()),
            op::SHORT_BINUNICODE => Value::Text(self.cursor.bytes_u8()?),
            op::BINUNICODE => Value::Text(self.cursor.bytes_u32()?),
            op::SHORT_BINSTRING => Value::Str(self.cursor.bytes_u8()?),
            op::BINSTRING => Value::Str(self.cursor.bytes_u32()?),
            op::SHORT_BINBYTES => Value::Bytes(self.cursor.bytes_u8()?),
            op::BINBYTES => Value::Bytes(self.cursor.bytes_u32()?),
            op::BYTEARRAY8 => Value::Bytes(self.cursor.bytes_u64()?),
            op::GLOBAL => global(self.cursor.line()?, self.cursor.line()?)?,
            op::STACK_GLOBAL => {
                let (Value::Text(name), Value::Text(module)) = (self.pop(opcode)?, self.pop(opcode)?) else {
                    return Err(Refusal::Operands(opcode));
                };
                global(module, name)?
            }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => self.tuple(opcode, usize::from(opcode - op::TUPLE1) + 1)?,
            op::TUPLE => {
                let mark = self.marks.pop().ok_or(Refusal::Operands(opcode))?;
                self.tuple(opcode, self.stack.len() - mark)?
            }
            op::BINPUT => return self.cursor.u8().and_then(|key| self.put(opcode, key.into())),
            op::MEMOIZE => return self.put(opcode, self.memo.len()),
            op::BINGET => {
                let key = usize::from(self.cursor.u8()?);
                self.memo.iter().find(|(at, _)| *at == key).ok_or(Refusal::Operands(opcode))?.1
            }
            op::REDUCE => {
                let (arguments, function) = (self.pop(opcode)?, self.pop(opcode)?);
                let (Value::Tuple(arguments), Value::Global(function)) = (arguments, function) else {
                    return Err(Refusal::Operands(opcode));
                };
                self.call(function, arguments)?
            }
            op::BUILD => {
                let (state, object) = (self.pop(opcode)?, self.pop(opcode)?);
                let Value::Tuple(state) = state else { return Err(Refusal::Operands(opcode)) };
                self.build(object, state)?
            }
            _ => return Err(Refusal::Opcode(opcode)),
        };
        self.stack.push(value);
        Ok(())
    }

    /// What lies on top of the stack, above the last mark.
    fn pop(&mut self, opcode: u8) -> Result<Value<'a>, Refusal> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() > floor { self.stack.pop() } else { None }.ok_or(Refusal::Operands(opcode))
    }

    /// A tuple of what lies uppermost.
    fn tuple(&mut self, opcode: u8, len: usize) -> Result<Value<'a>, Refusal> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let from = self.stack.len().checked_sub(len).filter(|from| *from >= floor).ok_or(Refusal::Operands(opcode))?;
        let start = self.items.len();
        self.items.extend(self.stack.drain(from..));
        Ok(Value::Tuple(Span { start, len }))
    }

    fn put(&mut self, opcode: u8, key: usize) -> Result<(), Refusal> {
        let value = self.pop(opcode)?;
        self.stack.push(value);
        match self.memo.iter_mut().find(|(at, _)| *at == key) {
            Some((_, kept)) => *kept = value,
            None => self.memo.push((key, value)),
        }
        Ok(())
    }

    fn items(&self, span: Span) -> &[Value<'a>] {
        self.items.get(span.start..span.start + span.len).unwrap_or_default()
    }

    fn call(&self, function: Global, arguments: Span) -> Result<Value<'a>, Refusal> {
        let wrong = Refusal::Arguments(function.name());
        match (function, self.items(arguments)) {
            (Global::Encode, [Value::Text(text), encoding]) if encoding.is_text(b"latin1") => Ok(Value::Latin1(text)),
            (Global::Dtype, [Value::Text(name) | Value::Str(name), align, copy]) => {
                match (*name, align.as_bool(), copy.as_bool()) {
                    (b"u1", Some(false), Some(true)) => Ok(Value::Uint8),
                    (b"u1", ..) => Err(wrong),
                    _ => Err(Refusal::Element(printable(name))),
                }
            }
            // An empty array of bytes, for which its state is to follow.
            (Global::Reconstruct, [Value::Global(Global::Ndarray), Value::Tuple(shape), kind])
                if self.items(*shape) == [Value::Int(0)] && is_b(kind) =>
            {
                Ok(Value::Unbuilt)
            }
            (Global::FromBuffer, [content, Value::Uint8, Value::Tuple(shape), order, axes @ ..]) => {
                let content = content.as_content().ok_or_else(|| wrong.clone())?;
                let order = match axes {
                    [] if order.is_text(b"C") => Order::C,
                    [] if order.is_text(b"F") => Order::Fortran,
                    [Value::Tuple(axes)] if order.is_text(b"K") && axes.len == shape.len => {
                        Order::Axes(permutation(self.items(*axes)).ok_or(wrong)?)
                    }
                    _ => return Err(wrong),
                };
                Array::new(&self.shape(*shape, function)?, order, content).map(Value::Array)
            }
            _ => Err(wrong),
        }
    }

    /// Gives an object its state.
    fn build(&self, object: Value<'a>, state: Span) -> Result<Value<'a>, Refusal> {
        match (object, self.items(state)) {
            // Version, byte order (none), nothing of records, no size or alignment of its own, no flags.
            (
                Value::Uint8,
                [
                    Value::Int(3),
                    order,
                    Value::None,
                    Value::None,
                    Value::None,
                    Value::Int(-1),
                    Value::Int(-1),
                    Value::Int(0),
                ],
            ) if order.is_text(b"|") => Ok(Value::Uint8),
            (Value::Uint8, _) => Err(Refusal::Arguments("the state of a numpy.dtype")),
            (Value::Unbuilt, [Value::Int(1), Value::Tuple(shape), Value::Uint8, is_fortran, content]) => {
                let wrong = Refusal::Arguments("the state of an array");
                let (Some(is_fortran), Some(content)) = (is_fortran.as_bool(), content.as_content()) else {
                    return Err(wrong);
                };
                let order = if is_fortran { Order::Fortran } else { Order::C };
                Array::new(&self.shape(*shape, Global::Ndarray)?, order, content).map(Value::Array)
            }
            (Value::Unbuilt, _) => Err(Refusal::Arguments("the state of an array")),
            _ => Err(Refusal::Operands(op::BUILD)),
        }
    }

    fn shape(&self, shape: Span, of: Global) -> Result<Shape, Refusal> {
        let sides = self.items(shape).iter().map(|side| if let Value::Int(side) = side { Some(*side) } else { None });
        sides.collect::<Option<_>>().map(Shape).ok_or(Refusal::Arguments(of.name()))
    }

    fn stop(&self) -> Result<Array<'a>, Refusal> {
        match (&self.stack[..], &self.marks[..]) {
            _ if self.cursor.remaining() > 0 => Err(Refusal::Trailing(self.cursor.remaining())),
            ([Value::Array(array)], []) => Ok(*array),
            _ => Err(Refusal::NotAnArray),
        }
    }
}

fn global<'a>(module: &[u8], name: &[u8]) -> Result<Value<'a>, Refusal> {
    let refused = || Refusal::Global { module: printable(module), name: printable(name) };
    Global::find(module, name).map(Value::Global).ok_or_else(refused)
}

/// The letter for bytes, as bytes.
fn is_b(kind: &Value<'_>) -> bool {
    matches!(kind, Value::Bytes(b"b") | Value::Str(b"b") | Value::Latin1(b"b"))
}

/// Each axis once, if these are all.
fn permutation(axes: &[Value<'_>]) -> Option<[usize; 3]> {
    let mut order = [0, 1, 2];
    let mut seen = 0_u8;
    for (place, axis) in order.iter_mut().zip(axes) {
        let Value::Int(axis @ 0..3) = *axis else { return None };
        *place = axis as usize;
        seen |= 1 << axis;
    }
    let all = [0b11, 0b111].get(axes.len().checked_sub(2)?)?;
    (seen == *all).then_some(order)
}
