//! Commands as a shell reads them.

/// The options that switch defects on, each behind a space.
pub(crate) fn defect_options(defects: &[String]) -> String {
    defects.iter().map(|id| format!(" --defect {id}")).collect()
}

/// Quotes an argument for a shell, if it needs it.
pub(crate) fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}
